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
# letter, sms, or letter,sms: each patient by all of these that reach them.
CHANNEL ?= letter
# Or one after the other: PLAN = sms 72h letter. After the texts were sent, make follow-up each day (see there).
PLAN ?=
BY = $(if $(PLAN),--plan '$(PLAN)',--channel $(CHANNEL))
# What pkb-notify sms send or nhs send wrote, for make follow-up, which writes it again. GOV.UK Notify's or NHS Notify's statuses.
TEXTED ?= texted.ndjson
STATUS ?= pkb-notify sms status
# Parts that `make -j` works on side by side. A campaign keeps the number that it began with.
SHARDS ?= 4
# Requests a second to PKB, all shards together.
RATE ?= 50
# Calls to PKB at the same time, all shards together: one, unless PKB has agreed to more.
CONCURRENCY ?=
# How `make check` and the upload compare the patients with PKB: --api fhir, --max-mismatches 2%. Without read access:
# COMPARE = and UPLOAD_FLAGS = --no-compare
COMPARE ?= --compare
COMPARE_FLAGS ?=
# Further options of each stage: --via messaging, --max-rejects 1%, --wait-for-records 2h, --exclude opt-outs.csv, --separate ...
UPLOAD_FLAGS ?=
RESOLVE_FLAGS ?=
TOKENS_FLAGS ?=
LETTERS_FLAGS ?=
VERIFY_FLAGS ?=
# Before the upload: what the NHS's register answered (make request, then the files that come back), and how it is read
# (--use-traced-address, --traced-on 2026-11-20).
TRACE ?=
TRACE_KEY ?= trace/request.csv.key
TRACE_FLAGS ?=
# After posting: what the mail company reported (status files, lists of returned letters), and how it is read.
RETURNS ?=
RETURNS_FLAGS ?=
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
AGREED := $(CONCURRENCY:%=--concurrency %)
# A shard has one process at a time, so that all together keep to the rate.
SHARE := $(shell echo $$(($(RATE) / $(SHARDS))))
OTHERS := $(filter-out $(NAMES:%=journals/letters-%.journal),$(wildcard journals/letters-*-of-*.journal))
ifneq ($(OTHERS),)
$(error This campaign began with a different number of shards ($(firstword $(OTHERS))). What to do: set SHARDS to the number in that name, because the \
journal of a shard knows who has a letter)
endif

SPLIT := $(NAMES:%=shards/%.ndjson)
INVITED := $(NAMES:%=invited/%.ndjson)
DELIVERED := $(NAMES:%=delivered/%.ndjson)

# The records of which the report is made.
LATEST := $(if $(RETURNS),posted.ndjson,delivered.ndjson)

.PHONY: help request returns follow-up check proof upload resolve tokens letters verify report all again clean purge seal

help: ## this list
	@echo "$(PATIENTS) in $(SHARDS) shards, $(RATE) requests a second to PKB. Targets, in their order:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1	\2/p' $(CAMPAIGN_MK) | expand -t 14
	@echo "make -j$(SHARDS) works on all shards side by side. After an interruption run the same command again."

check: | logs ## what is wrong with the patient file (problems.csv), how it differs from PKB, and the letter. Sends nothing
	@umask 077; pkb-upload check $(PATIENTS) $(FILE_FLAGS) $(COMPARE) $(COMPARE_FLAGS) $(AGREED) --problems problems.csv > logs/check.log; \
		code=$$?; cat logs/check.log; ! grep -q "would stop before anything is sent" logs/check.log || exit $$code; \
		[ $$code != 65 ] || { echo "check: rows with these problems would be rejected or not uploaded" >&2; code=0; }; exit $$code
	@$(if $(TEMPLATE),pkb-letters template check $(TEMPLATE))

request: trace/request.csv ## write a request for the NHS's register: who has died, moved, or must not be written to
	@echo "request: $(CURDIR)/trace/request.csv. Send it, then give the files that come back: make all TRACE='RESPONSE ...'"
upload: uploaded.ndjson ## create the records at PKB
resolve: $(NAMES:%=resolved/%.ndjson) ## ask PKB who may be invited
tokens: $(INVITED) ## fetch the codes
proof: look/proof.txt ## a few letters to look at before all are printed
letters: delivered.ndjson ## letters, manifests and text message sheets in print/, all records in delivered.ndjson
	@echo "letters: $(CURDIR)/print. Before anything is posted: make verify"
	$(COSTS)
verify: verified.txt ## read every letter again, and compare it with its record
returns: posted.ndjson report ## note what the mail company reported (RETURNS='status.csv ...') in posted.ndjson
report: report.html ## a page about the campaign
# What the text messages of all shards cost together.
define COSTS
@cat logs/letters-*.log 2>/dev/null | sed -n 's/^pkb-letters: \([0-9,]*\) text messages* for .*: \([0-9,]*\) fragments*, £\([0-9.]*\) plus VAT.*/\1 \2 \3/p' | \
	tr -d , | awk '{ texts += $$1; fragments += $$2; pounds += $$3 } END { if (texts) printf "texts:   %d text messages of %d fragments, £%.2f plus VAT\n", texts, fragments, pounds }'
endef

all: verify report ## all of it
	@echo "letters: $(CURDIR)/print ($$(find print -name '*.pdf' | wc -l) PDF files, all compared with their records: verified.txt)"
	$(COSTS)
	@echo "records: $(CURDIR)/delivered.ndjson"
	@echo "report:  $(CURDIR)/report.html"

# Each shard has its own journals, so that it knows who has a letter. A step that failed is run again by the same command.
follow-up: | logs ## letters for patients that the text did not reach, or who did not use it in time (PLAN = sms 72h letter). Run it each day
	@$(if $(PLAN),,echo "follow-up: name the plan of the campaign: make follow-up PLAN='sms 72h letter'" >&2; exit 2)
	@mkdir -p -m 700 follow-up/resolved follow-up/invited follow-up/delivered
	@$(STEP) logs/follow-up-status.log follow-up/status.ndjson $(STATUS) $(TEXTED) --output follow-up/status.ndjson --replace
	@$(STEP) logs/follow-up-split.log follow-up/shards/$(lastword $(NAMES)).ndjson pkb split follow-up/status.ndjson --shards $(SHARDS) --out follow-up/shards
	@set -e; for name in $(NAMES); do \
		$(STEP) logs/follow-up-resolve-$$name.log follow-up/resolved/$$name.ndjson pkb-resolve --recheck --plan '$(PLAN)' \
			follow-up/shards/$$name.ndjson --partial --rate $(SHARE) $(AGREED) --no-journal --output follow-up/resolved/$$name.ndjson --replace; \
		$(STEP) logs/follow-up-tokens-$$name.log follow-up/invited/$$name.ndjson pkb-tokens follow-up/resolved/$$name.ndjson --partial \
			--rate $(SHARE) $(AGREED) --journal journals/tokens-$$name.journal --output follow-up/invited/$$name.ndjson --replace $(TOKENS_FLAGS); \
		$(STEP) logs/follow-up-letters-$$name.log follow-up/delivered/$$name.ndjson pkb-letters follow-up/invited/$$name.ndjson --partial \
			--series $${name%%-*} --out print/$$name $(BY) $(if $(TEMPLATE),--template $(TEMPLATE)) \
			--journal journals/letters-$$name.journal --output follow-up/delivered/$$name.ndjson --replace $(LETTERS_FLAGS); \
	done
	@$(STEP) logs/follow-up-merge.log $(TEXTED) pkb merge $(NAMES:%=follow-up/delivered/%.ndjson) --output $(TEXTED) --replace
	@echo "follow-up: $(CURDIR)/$(TEXTED). Before anything is posted: pkb verify print $(TEXTED)"

again: ## ask PKB again about patients that it did not have, and continue with them
	@$(MAKE) --no-print-directory -W uploaded.ndjson verify

clean: ## remove what can be made again from the journals; keeps these, the letters and delivered.ndjson
	rm -rf shards resolved invited delivered follow-up look logs

DRY_RUN = $(if $(filter yes,$(CONFIRM)),,--dry-run)

purge: ## delete expired codes from all records, journals and letters (CONFIRM=yes. Without it: say what would be deleted)
	@pkb purge . $(DRY_RUN)
	@$(if $(DRY_RUN),echo "Nothing was changed. To do it: make purge CONFIRM=yes")

seal: ## this folder as one encrypted archive (RECIPIENT=age1..., CONFIRM=yes. REMOVE=yes also deletes the plain files)
	@$(if $(RECIPIENT)$(RECIPIENTS_FILE),,echo "seal: add the key that opens the archive: make seal RECIPIENT=age1... (or RECIPIENTS_FILE=FILE)" >&2; exit 2)
	@$(if $(DRY_RUN),echo "Would seal $(CURDIR) into $(ARCHIVE)$(if $(filter yes,$(REMOVE)), and delete the plain files). To do it: add CONFIRM=yes",\
		pkb seal $(CURDIR) $(RECIPIENT:%=--recipient %) $(RECIPIENTS_FILE:%=--recipients-file %) --out $(ARCHIVE) \
		$(if $(filter yes,$(REMOVE)),--remove))

journals logs trace shards resolved invited delivered look print:
	@mkdir -p -m 700 $@

trace/request.csv: $(PATIENTS) | trace logs
	@$(STEP) logs/trace.log $@ pkb trace request $(PATIENTS) $(FILE_FLAGS) --out $@

uploaded.ndjson: $(PATIENTS) $(TRACE) | journals logs
	@$(STEP) logs/upload.log $@ pkb-upload $(PATIENTS) $(FILE_FLAGS) $(TRACE:%=--trace %) $(if $(TRACE),--trace-key $(TRACE_KEY) $(TRACE_FLAGS)) $(COMPARE_FLAGS) --rate $(RATE) $(AGREED) --journal journals/upload.journal \
		--output $@ $(UPLOAD_FLAGS)

$(SPLIT) &: uploaded.ndjson | logs
	@$(STEP) logs/split.log $(lastword $(SPLIT)) pkb split uploaded.ndjson --shards $(SHARDS) --out shards

resolved/%.ndjson: shards/%.ndjson | resolved journals logs
	@$(STEP) logs/resolve-$*.log $@ pkb-resolve $< --partial --rate $(SHARE) $(AGREED) --journal journals/resolve-$*.journal \
		--output $@ --replace $(RESOLVE_FLAGS)

invited/%.ndjson: resolved/%.ndjson | invited journals logs
	@$(STEP) logs/tokens-$*.log $@ pkb-tokens $< --partial --rate $(SHARE) $(AGREED) --journal journals/tokens-$*.journal \
		--output $@ --replace $(TOKENS_FLAGS)

look/proof.txt: $(INVITED) | look logs
	@cat $(INVITED) | $(STEP) --proof logs/proof.log $@ pkb-letters --proof $(PROOF) --out look $(BY) \
		$(if $(TEMPLATE),--template $(TEMPLATE)) $(filter-out --separate --zip,$(LETTERS_FLAGS))

delivered/%.ndjson: invited/%.ndjson | delivered journals logs print
	@$(STEP) logs/letters-$*.log $@ pkb-letters $< --partial --series $(firstword $(subst -, ,$*)) --out print/$* \
		$(BY) $(if $(TEMPLATE),--template $(TEMPLATE)) --journal journals/letters-$*.journal \
		--output $@ --replace $(LETTERS_FLAGS)

delivered.ndjson: $(DELIVERED) | logs
	@$(STEP) logs/merge.log $@ pkb merge $(DELIVERED) --output $@ --replace \
		$(if $(filter-out letter,$(or $(PLAN),$(CHANNEL))),--shared-mobiles shared-mobiles.csv)

verified.txt: delivered.ndjson | logs
	@$(STEP) --proof logs/verify.log $@ pkb verify print delivered.ndjson $(VERIFY_FLAGS)

posted.ndjson: delivered.ndjson $(RETURNS) | logs
	@$(if $(RETURNS),,echo "returns: name the reports of the mail company: make returns RETURNS='status.csv returns.csv'" >&2; exit 2)
	@$(STEP) logs/returns.log $@ pkb returns $(RETURNS) --in delivered.ndjson --output $@ --replace --findings returns.csv $(RETURNS_FLAGS)

report.html: $(LATEST) | logs
	@$(STEP) logs/report.log $@ pkb report --in $(LATEST) --out $@ --json report.json
