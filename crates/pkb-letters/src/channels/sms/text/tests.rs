//! The texts, against other ways to fill them in.

use super::*;
use proptest::prelude::*;

fn built_in() -> [Texts; 2] {
    built_in_for(Design::Letter)
}

fn built_in_for(design: Design) -> [Texts; 2] {
    [SmsTemplate::Two, SmsTemplate::One].map(|template| Texts::open(&template, design).unwrap())
}

fn error(sources: &[&str]) -> String {
    Texts::parse(sources).unwrap_err().to_string()
}

#[test]
fn the_built_in_texts_take_one_fragment_each_and_the_single_one_two() {
    let [two, one] = built_in();
    let row = TextValues::ordinary();
    let lengths = |texts: &Texts, prefix: &str| -> Vec<(usize, usize)> {
        texts
            .messages(&row)
            .map(|text| {
                let sent = gsm::as_sent(&format!("{prefix}{text}"));
                (sent.chars().count(), gsm::fragments(&sent))
            })
            .collect()
    };
    // Names of the README: a first name of 7 characters, an organisation of 19.
    assert_eq!((row.first_name.len(), row.organisation.len()), (7, 19));
    assert_eq!(lengths(&two, "Northtown Hospitals: "), [(150, 1), (147, 1)]);
    assert_eq!(lengths(&one, "Northtown Hospitals: "), [(244, 2)]);
    assert_eq!(lengths(&two, ""), [(129, 1), (126, 1)]);
    let [two, one] = built_in_for(Design::Reminder);
    assert_eq!(lengths(&two, "Northtown Hospitals: "), [(150, 1), (147, 1)]);
    assert_eq!(lengths(&one, "Northtown Hospitals: "), [(248, 2)]);
}

#[test]
fn a_message_has_the_patients_own_cells() {
    let [two, one] = built_in();
    let row = TextValues::ordinary();
    let messages: Vec<String> = two.messages(&row).collect();
    assert!(messages[0].starts_with("Dear Richard, Northtown Hospitals invites you"));
    assert_eq!(
        messages[1],
        "Invite code: NKcYiAciBU\nAccess code: KVPnrFYPay\nUse by 21 December 2026\n\
         Join: https://joinpkb.com/?t1=NKcYiAciBU&t2=KVPnrFYPay"
    );
    assert_eq!(one.messages(&row).count(), 1);
    assert!(!two.are_ucs2() && !one.are_ucs2());
}

#[test]
fn own_words_are_refused_with_the_reason() {
    let codes = "((invitation code)) ((access code))";
    for (source, words) in [
        ("", "sms-text-1.txt is empty"),
        (" \n ", "sms-text-1.txt is empty"),
        ("((first name", "does not end"),
        ("((NHS number)) ((link))", "((NHS number))"),
        ("((date of birth)) ((link))", "((date of birth))"),
        (
            "((first name??Dear you)) ((link))",
            "((first name??Dear you))",
        ),
        ("((phone number)) ((link))", "no column"),
        ("((link)) and your date of birth", "\"birth\""),
        ("((link)), D.O.B.", "\"dob\""),
        ("((link)), dyddiad geni", "\"geni\""),
        ("((invitation code))", "no text message tells"),
        ("Hello", "no text message tells"),
    ] {
        let text = error(&[source]);
        assert!(text.contains(words), "{source:?}: {text}");
    }
    let long = format!("{codes}{}", "x".repeat(900));
    assert!(error(&[&long]).contains("has 921 characters"));
    assert!(error(&["((invitation code))", "((access code))"]).contains("no text message tells"));
    for source in [
        codes,
        "((LINK))",
        "((Access_Code)) ((invitation-code)) Bornholm, Osborne",
    ] {
        assert!(Texts::parse(&[source]).is_ok(), "{source}");
    }
    assert!(Texts::parse(&["Dear ((first name))", "((link))"]).is_ok());
}

#[test]
fn a_folder_has_one_text_or_two() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        Texts::open(
            &SmsTemplate::Folder(folder.path().to_owned()),
            Design::Letter,
        )
    };
    assert!(
        open()
            .unwrap_err()
            .to_string()
            .contains("sms-text-1.txt: entity not found")
    );
    std::fs::write(
        folder.path().join("sms-text-1.txt"),
        "\u{feff}Siân\r\n((link))\r\n",
    )
    .unwrap();
    let texts = open().unwrap();
    assert!(texts.are_ucs2() && !texts.clone().folded().are_ucs2());
    let out = tempfile::tempdir().unwrap();
    built_in()[0].write(out.path()).unwrap();
    texts.folded().write(out.path()).unwrap();
    let written = std::fs::read_to_string(out.path().join("sms-text-1.txt")).unwrap();
    assert_eq!(written, "Sian\n((link))\n");
    assert!(
        !out.path().join("sms-text-2.txt").exists(),
        "it is of another run"
    );
    std::fs::write(folder.path().join("sms-text-2.txt"), "((link))").unwrap();
    assert_eq!(open().unwrap().messages(&TextValues::ordinary()).count(), 2);
}

#[test]
fn white_space_is_as_notify_leaves_it() {
    assert_eq!(tidy(" a  b \r\n\n\n\n c\t\n"), "a b\n\nc");
}

/// Replaces one placeholder after the other in the whole text.
fn by_replacing(source: &str, row: &TextValues) -> String {
    let mut text = source.to_owned();
    for (name, value) in [
        ("first name", &row.first_name),
        ("organisation", &row.organisation),
        ("invitation code", &row.invitation_code),
        ("access code", &row.access_code),
        ("expiry", &row.expiry),
        ("link", &row.link),
    ] {
        text = text.replace(&format!("(({name}))"), value);
    }
    text
}

proptest! {
    #[test]
    fn rendering_agrees_with_replacing(
        pieces in prop::collection::vec(
            prop_oneof![
                "[a-zâ.:]{1,9}",
                Just("((first name))".to_owned()),
                Just("((organisation))".to_owned()),
                Just("((expiry))".to_owned()),
                Just("((access code))".to_owned()),
            ],
            0..9,
        ),
        name in "[A-Za-zâ'-]{1,12}",
    ) {
        let mut row = TextValues::ordinary();
        row.first_name = name;
        let source = format!("{}((link))", pieces.concat());
        // A run of letters may be a word that is refused.
        if let Ok(texts) = Texts::parse(&[&source]) {
            let messages: Vec<String> = texts.messages(&row).collect();
            prop_assert_eq!(messages, [by_replacing(&source, &row)]);
            prop_assert_eq!(texts.0[0].source(), format!("{source}\n"));
        }
    }
}
