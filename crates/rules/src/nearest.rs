//! The nearest of some names, for messages about one that does not exist.

/// Returns the name that is most like `wanted`, in any case, if one is like it: at most a third of its characters are
/// different.
#[must_use]
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    let limit = (wanted.chars().count() / 3).max(1);
    let with_distance =
        names.into_iter().map(|name| (strsim::osa_distance(&wanted, &name.to_lowercase()), name));
    let best = with_distance.filter(|(distance, _)| *distance <= limit).min_by_key(|(d, _)| *d);
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        let names = ["nanoKEY2", "FLUID Synth", "exclusive"];
        assert_eq!(nearest("nanokey", names), Some("nanoKEY2"));
        assert_eq!(nearest("exlcusive", names), Some("exclusive"));
        assert_eq!(nearest("FLUID Snyth", names), Some("FLUID Synth"));
        assert_eq!(nearest("piano", names), None);
        assert_eq!(nearest("", names), None);
    }
}
