//! When a callback that was not taken is sent again.

/// Pauses after attempts 1 to 6.
const FIRST_PAUSES: u32 = 6;
const FIRST_PAUSE_MS: i64 = 10_000;

/// How many pauses grow after those: as long as they are below the last one.
const GROWING_PAUSES: usize = 62;

/// All later pauses: four hours.
const LAST_PAUSE_MS: i64 = 14_400_000;

/// How often a callback is sent in all. That takes ten days; the protocol allows eleven.
pub(super) const ATTEMPTS_MAX: u32 = 120;

/// `70 + 10 × 1.12^(n − 4)` seconds, in milliseconds, for n from 7 on.
const GROWING_MS: [i64; GROWING_PAUSES] = growing_pauses();

const fn growing_pauses() -> [i64; GROWING_PAUSES] {
    // 10 s × 1.12³ with twelve decimals of a millisecond: what truncation takes away stays below one.
    let mut part: i128 = 10_000 * 1_000_000_000_000 * 28 * 28 * 28 / (25 * 25 * 25);
    let mut pauses = [0; GROWING_PAUSES];
    let mut at = 0;
    while at < GROWING_PAUSES {
        let rounded = 70_000 + (part + 500_000_000_000) / 1_000_000_000_000;
        assert!(
            rounded < LAST_PAUSE_MS as i128,
            "a pause grows beyond the last one"
        );
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the line above keeps it small"
        )]
        let pause = rounded as i64;
        pauses[at] = pause;
        part = part * 28 / 25;
        at += 1;
    }
    pauses
}

/// The pause after that many failed attempts; `None` after the last one.
pub(super) fn pause_after(attempts: u32) -> Option<i64> {
    if attempts >= ATTEMPTS_MAX {
        return None;
    }
    let Some(grown) = attempts.checked_sub(FIRST_PAUSES + 1) else {
        return Some(FIRST_PAUSE_MS);
    };
    let grown = usize::try_from(grown).ok();
    let pause = grown.and_then(|grown| GROWING_MS.get(grown));
    Some(pause.copied().unwrap_or(LAST_PAUSE_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_as_documented() {
        let seconds = |n: i32| 10.0_f64.mul_add(1.12_f64.powi(n - 4), 70.0);
        let mut growing_s = 0.0;
        for attempt in 1..=120 {
            let exact = match attempt {
                1..=6 => 10.0,
                7..=68 => seconds(attempt),
                _ => 14_400.0,
            };
            if (7..=68).contains(&attempt) {
                growing_s += exact;
            }
            let told = pause_after(attempt.unsigned_abs());
            if attempt == 120 {
                assert_eq!(told, None);
                continue;
            }
            let told = f64::from(i32::try_from(told.unwrap()).unwrap());
            assert!(
                (told - exact * 1_000.0).abs() <= 0.51,
                "{attempt}: {told} {exact}"
            );
        }
        assert!(seconds(68) < 14_400.0 && seconds(69) > 14_400.0);
        assert!(
            (37.5..38.5).contains(&(growing_s / 3_600.0)),
            "about 38 hours"
        );
        let all: i64 = (1..120).filter_map(pause_after).sum();
        assert!(all < 11 * 24 * 3_600 * 1_000, "within eleven days");
        assert_eq!(
            [0, 121, u32::MAX].map(pause_after),
            [Some(10_000), None, None]
        );
    }
}
