//! The middle of several measurements, which one disturbed round does not move.

/// Returns the median; of nothing it is not a number.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => f64::NAN,
        (count, middle) if count % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        (_, middle) => values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn lies_in_the_middle() {
        let close = |values: &[f64], expected: f64| {
            (median(values.iter().copied()) - expected).abs() < f64::EPSILON
        };
        assert!(close(&[9.0, 1.0, 2.0], 2.0));
        assert!(close(&[4.0, 1.0, 2.0, 9.0], 3.0));
        assert!(median([]).is_nan());
    }
}
