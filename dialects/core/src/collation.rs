//! Differences between texts that collations ignore.

/// Differences between two texts that a column of this type and collation ignores, as people
/// read it; `None` where all texts are distinguished, and for columns that are not text. Collations
/// are named as MySQL, MariaDB and SQL Server do; a `char` has no blanks at its end.
pub fn equates(base: &str, collation: &str) -> Option<String> {
    let name = collation.to_ascii_lowercase();
    if name.is_empty() || name == "binary" {
        return None;
    }
    let has = |word: &str| name.split('_').any(|part| part == word);
    let mut ignored = Vec::new();
    if has("ci") {
        ignored.push("case");
    }
    if has("ai") || (has("ci") && !has("as")) {
        ignored.push("accents");
    }
    // Collations are padded with blanks before they compare, but for those of UCA 9 and MariaDB's
    // own; `char` does not keep blanks at the end at all.
    if !(has("nopad") || has("0900")) || base == "char" {
        ignored.push("blanks at the end");
    }
    if ignored.is_empty() && !has("bin") {
        ignored.push("forms of one character");
    }
    (!ignored.is_empty()).then(|| format!("{} ({collation})", ignored.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::equates;

    #[test]
    fn ignored_differences_follow_from_the_name_of_the_collation() {
        for (base, collation, ignored) in [
            ("varchar", "utf8mb4_nopad_bin", None),
            ("varchar", "utf8mb4_0900_bin", None),
            ("varbinary", "", None),
            ("char", "utf8mb4_0900_bin", Some("blanks at the end")),
            ("varchar", "utf8mb4_bin", Some("blanks at the end")),
            (
                "varchar",
                "latin1_swedish_ci",
                Some("case, accents, blanks at the end"),
            ),
            ("varchar", "utf8mb4_0900_ai_ci", Some("case, accents")),
            ("varchar", "utf8mb4_0900_as_ci", Some("case")),
            (
                "varchar",
                "utf8mb4_0900_as_cs",
                Some("forms of one character"),
            ),
            (
                "varchar",
                "utf8mb4_uca1400_ai_ci",
                Some("case, accents, blanks at the end"),
            ),
            (
                "varchar",
                "utf8mb4_uca1400_nopad_as_cs",
                Some("forms of one character"),
            ),
            ("varchar", "latin1_general_cs", Some("blanks at the end")),
        ] {
            let expected = ignored.map(|ignored| format!("{ignored} ({collation})"));
            assert_eq!(equates(base, collation), expected, "{collation}");
        }
    }
}
