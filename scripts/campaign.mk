# A campaign with GNU make (4.3 or newer). In a folder of its own, write a Makefile of a few lines:
#
#   PATIENTS = patients.csv
#   TEMPLATE = our-letter
#   CHANNEL = letter,sms
#   SHARDS = 4
#   include /path/to/pkb/scripts/campaign.mk
#
# and then: make help. The programs are taken from the PATH, PKB's settings from the environment. Everything can be
# interrupted and run again: journals/ knows what is done. uploaded.ndjson is replaced only by records with all its patients
# (UPLOAD_FLAGS = --replace if you have taken patients out of the file on purpose); what follows from it is made again.

# The patient file, and how it is read (--map, --dates ...), for check and upload.
PATIENTS ?= patients.csv
FILE_FLAGS ?=
# The letter; empty for the built-in one.
TEMPLATE ?=
# letter, sms, or letter,sms; and perhaps --one-channel behind it.
CHANNEL ?= letter
# Parts that `make -j` works on side by side. A campaign keeps the number that it began with.
SHARDS ?= 4
# Requests a second to PKB, all shards together.
RATE ?= 50
# How `make check` and the upload compare the patients with PKB: --api fhir, --max-mismatches 2%. Without read access:
# COMPARE = and UPLOAD_FLAGS = --no-compare
COMPARE ?= --compare
COMPARE_FLAGS ?=
# Further options of each stage: --max-rejects 1%, --wait-for-records 2h, --exclude opt-outs.csv, --separate ...
UPLOAD_FLAGS ?=
RESOLVE_FLAGS ?=
TOKENS_FLAGS ?=
LETTERS_FLAGS ?=
VERIFY_FLAGS ?=
# Letters to look at before all are printed.
PROOF ?= 5
# make purge and make seal only say what they would do without CONFIRM=yes.
CONFIRM ?=
# make seal: who may open the archive (age1... or a file of such keys), its place, and whether the plain files then go.
RECIPIENT ?=
RECIPIENTS_FILE ?=
ARCHIVE ?= $(CURDIR).tar.age
REMOVE ?=

CAMPAIGN_MK := $(abspath $(lastword $(MAKEFILE_LIST)))
STEP := $(dir $(CAMPAIGN_MK))step
SHELL := /bin/sh
.DEFAULT_GOAL := help
# What a step that failed has begun is not taken for done; what is between the steps is kept.
.DELETE_ON_ERROR:
.SECONDARY:

ifeq ($(filter grouped-target,$(.FEATURES)),)
$(error This needs GNU make 4.3 or newer)
endif
ifneq ($(words $(CURDIR) $(CAMPAIGN_MK)),2)
$(error make cannot work with spaces in the names of folders: $(CURDIR), $(CAMPAIGN_MK))
endif
ifneq ($(shell expr "$(SHARDS)" : '[1-9][0-9]*$$' >/dev/null && [ "$(SHARDS)" -le 999 ] && [ "$(RATE)" -ge "$(SHARDS)" ] && echo good),good)
$(error SHARDS has to be a number from 1 to 999, and RATE a number that is not smaller: each shard gets a part of it)
endif

# 01-of-04 and so on, as pkb split names them.
NAMES := $(shell w=$$(printf %s $(SHARDS) | wc -c); [ $$w -ge 2 ] || w=2; \
	for i in $$(seq $(SHARDS)); do printf "%0*d-of-%0*d " $$w $$i $$w $(SHARDS); done)
# A shard has one process at a time, so that all together keep to the rate.
SHARE := $(shell echo $$(($(RATE) / $(SHARDS))))
OTHERS := $(filter-out $(NAMES:%=journals/letters-%.journal),$(wildcard journals/letters-*-of-*.journal))
ifneq ($(OTHERS),)
$(error This campaign began with another number of shards ($(firstword $(OTHERS))): keep it, because the journal of a \
shard knows who has a letter)
endif

SPLIT := $(NAMES:%=shards/%.ndjson)
INVITED := $(NAMES:%=invited/%.ndjson)
DELIVERED := $(NAMES:%=delivered/%.ndjson)

.PHONY: help check proof upload resolve tokens letters verify report all again clean purge seal

help: ## this list
	@echo "$(PATIENTS) in $(SHARDS) shards, $(RATE) requests a second to PKB. Targets, in their order:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1	\2/p' $(CAMPAIGN_MK) | expand -t 14
	@echo "make -j$(SHARDS) works on all shards side by side. After an interruption run the same command again."

check: | logs ## what is wrong with the patient file (problems.csv), how it differs from PKB, and the letter; sends nothing
	@umask 077; pkb-upload check $(PATIENTS) $(FILE_FLAGS) $(COMPARE) $(COMPARE_FLAGS) --problems problems.csv > logs/check.log; \
		code=$$?; cat logs/check.log; ! grep -q "would stop before anything is sent" logs/check.log || exit $$code; \
		[ $$code != 65 ] || { echo "check: rows with these problems would be rejected or not be uploaded" >&2; code=0; }; exit $$code
	@$(if $(TEMPLATE),pkb-letters template check $(TEMPLATE))

upload: uploaded.ndjson ## create the records at PKB
resolve: $(NAMES:%=resolved/%.ndjson) ## ask PKB who may be invited
tokens: $(INVITED) ## fetch the codes
proof: look/proof.txt ## a few letters to look at before all are printed
letters: delivered.ndjson ## letters, manifests and text message sheets in print/, all records in delivered.ndjson
	@echo "letters: $(CURDIR)/print. Before anything is posted: make verify"
verify: verified.txt ## read every letter again, and compare it with its record
report: report.html ## a page about the campaign
all: verify report ## all of it
	@echo "letters: $(CURDIR)/print ($$(find print -name '*.pdf' | wc -l) PDF files, all compared with their records: verified.txt)"
	@echo "records: $(CURDIR)/delivered.ndjson"
	@echo "report:  $(CURDIR)/report.html"

again: ## ask PKB again about patients whom it did not have, and go on with them
	@$(MAKE) --no-print-directory -W uploaded.ndjson verify

clean: ## remove what can be made again from the journals; keeps these, the letters and delivered.ndjson
	rm -rf shards resolved invited delivered look logs

DRY_RUN = $(if $(filter yes,$(CONFIRM)),,--dry-run)

purge: ## take codes that have ended out of all records, journals and letters (CONFIRM=yes; without it: what would be)
	@pkb purge . $(DRY_RUN)
	@$(if $(DRY_RUN),echo "Nothing was changed. To do it: make purge CONFIRM=yes")

seal: ## this folder as one encrypted archive (RECIPIENT=age1..., CONFIRM=yes; REMOVE=yes deletes the plain files then)
	@$(if $(RECIPIENT)$(RECIPIENTS_FILE),,echo "seal: who may open the archive? make seal RECIPIENT=age1... (or RECIPIENTS_FILE=FILE)" >&2; exit 2)
	@$(if $(DRY_RUN),echo "Would seal $(CURDIR) into $(ARCHIVE)$(if $(filter yes,$(REMOVE)), and delete the plain files). To do it: add CONFIRM=yes",\
		pkb seal $(CURDIR) $(RECIPIENT:%=--recipient %) $(RECIPIENTS_FILE:%=--recipients-file %) --out $(ARCHIVE) \
		$(if $(filter yes,$(REMOVE)),--remove))

journals logs shards resolved invited delivered look print:
	@mkdir -p -m 700 $@

uploaded.ndjson: $(PATIENTS) | journals logs
	@$(STEP) logs/upload.log $@ pkb-upload $(PATIENTS) $(FILE_FLAGS) $(COMPARE_FLAGS) --rate $(RATE) --journal journals/upload.journal \
		--output $@ $(UPLOAD_FLAGS)

$(SPLIT) &: uploaded.ndjson | logs
	@$(STEP) logs/split.log $(lastword $(SPLIT)) pkb split uploaded.ndjson --shards $(SHARDS) --out shards

resolved/%.ndjson: shards/%.ndjson | resolved journals logs
	@$(STEP) logs/resolve-$*.log $@ pkb-resolve $< --partial --rate $(SHARE) --journal journals/resolve-$*.journal \
		--output $@ --replace $(RESOLVE_FLAGS)

invited/%.ndjson: resolved/%.ndjson | invited journals logs
	@$(STEP) logs/tokens-$*.log $@ pkb-tokens $< --partial --rate $(SHARE) --journal journals/tokens-$*.journal \
		--output $@ --replace $(TOKENS_FLAGS)

look/proof.txt: $(INVITED) | look logs
	@cat $(INVITED) | $(STEP) --proof logs/proof.log $@ pkb-letters --proof $(PROOF) --out look --channel $(CHANNEL) \
		$(if $(TEMPLATE),--template $(TEMPLATE)) $(filter-out --separate --zip,$(LETTERS_FLAGS))

delivered/%.ndjson: invited/%.ndjson | delivered journals logs print
	@$(STEP) logs/letters-$*.log $@ pkb-letters $< --partial --series $(firstword $(subst -, ,$*)) --out print/$* \
		--channel $(CHANNEL) $(if $(TEMPLATE),--template $(TEMPLATE)) --journal journals/letters-$*.journal \
		--output $@ --replace $(LETTERS_FLAGS)

delivered.ndjson: $(DELIVERED) | logs
	@$(STEP) logs/merge.log $@ pkb merge $(DELIVERED) --output $@ --replace \
		$(if $(filter-out letter,$(CHANNEL)),--shared-mobiles shared-mobiles.csv)

verified.txt: delivered.ndjson | logs
	@$(STEP) --proof logs/verify.log $@ pkb verify print delivered.ndjson $(VERIFY_FLAGS)

report.html: delivered.ndjson | logs
	@$(STEP) logs/report.log $@ pkb report --in delivered.ndjson --out $@
