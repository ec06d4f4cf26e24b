//! Bytes for people.

/// `2 GiB`, `1.5 MiB`, `17 bytes`.
pub(crate) fn of(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    for (name, unit) in UNITS {
        if bytes >= unit {
            let tenths = u128::from(bytes) * 10 / u128::from(unit);
            let (whole, part) = (tenths / 10, tenths % 10);
            return if part == 0 { format!("{whole} {name}") } else { format!("{whole}.{part} {name}") };
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [(0, "0 bytes"), (1 << 30, "1 GiB"), (1_610_612_736, "1.5 GiB"), (70_000, "68.3 KiB")] {
            assert_eq!(super::of(bytes), text);
        }
    }
}
