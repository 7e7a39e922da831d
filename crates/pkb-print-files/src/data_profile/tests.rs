use super::*;

#[test]
fn each_built_in_profile_can_be_read_and_the_default_has_the_columns_of_the_usual_layout() {
    for (name, text) in BUILT_IN {
        DataProfile::parse(text).unwrap_or_else(|words| panic!("{name}: {words}"));
    }
    let default = DataProfile::parse(BUILT_IN[0].1).unwrap();
    let headers: Vec<&str> = default.columns.iter().map(|own| &*own.header).collect();
    assert_eq!(
        headers.join(" "),
        "reference sequence of title first_name last_name name_line address_line_1 address_line_2 address_line_3 \
             address_line_4 address_line_5 address_line_6 post_code country dps invitation_code access_code codes_end \
             codes_end_text codes_end_text_2 join_link join_address language format design postage"
    );
}

#[test]
fn what_a_profile_must_not_say_is_refused_with_what_to_do() {
    let reference = "[[columns]]\nheader = \"ref\"\nvalue = \"reference\"\n";
    let link = "[[columns]]\nheader = \"link\"\nvalue = \"join_link\"\n";
    let born = "[[columns]]\nheader = \"born\"\nvalue = \"date_of_birth\"\n";
    let text = "[[columns]]\nheader = \"job\"\ntext = \"A\\nB\"\n";
    let csv = "form = \"csv\"\nrows_per_file = 10\n";
    for (profile, words) in [
        (format!("{csv}{reference}{link}"), None),
        (format!("{csv}{link}"), Some("\"reference\"")),
        (format!("{csv}{reference}"), Some("without codes")),
        (
            format!("{csv}{reference}{link}{link}"),
            Some("one column only"),
        ),
        (
            format!("{csv}{reference}{link}{born}"),
            Some("data did not match"),
        ),
        (
            format!("{csv}{reference}{link}{text}"),
            Some("must be one line"),
        ),
        (
            format!("{csv}separator = \"a\"\n{reference}{link}"),
            Some("one sign"),
        ),
        (
            format!("{csv}trailer = \"end\"\n{reference}{link}"),
            Some("{rows}"),
        ),
        (
            format!("{csv}colour = \"red\"\n{reference}{link}"),
            Some("colour"),
        ),
        (
            format!("form = \"jsonl\"\nrows_per_file = 10\nquoting = \"all\"\n{reference}{link}"),
            Some("delete them"),
        ),
        (
            format!("form = \"csv\"\nrows_per_file = 0\n{reference}{link}"),
            Some("rows_per_file"),
        ),
    ] {
        match (DataProfile::parse(&profile), words) {
            (Ok(_), None) => {}
            (Err(found), Some(words)) if found.contains(words) => {}
            (found, _) => panic!("{profile}: {found:?}"),
        }
    }
}
