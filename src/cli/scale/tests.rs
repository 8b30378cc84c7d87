use super::*;

#[test]
fn a_value_is_in_the_largest_unit_of_which_it_has_one() {
    let nanos = Unit::of_each("nanoseconds");
    let cases = [
        (0, "0"),
        (1, "1ns"),
        (999, "999ns"),
        (1_000, "1us"),
        (1_234_567, "1.23ms"),
        (59_999_000_000, "60s"),
        (3_600_000_000_000, "1hrs"),
        (-5_500, "-5.50us"),
        (i64::MAX, "2562047.79hrs"),
        (i64::MIN, "-2562047.79hrs"),
    ];
    for (value, printed) in cases {
        assert_eq!(nanos.print(value), printed);
    }
    assert_eq!(Unit::of_each("count").print(1_500), "1500");
    assert_eq!(Unit::of_each("bytes").print(1_536), "1.50kB");
    assert_eq!(Unit::of_each("widgets").print(3), "3");
}

#[test]
fn a_table_has_one_unit_in_which_its_smallest_value_has_two_decimals() {
    let print = |smallest, total, value| Unit::of_all("nanoseconds", smallest, total).print(value);
    assert_eq!(print(20_000_000, 50_000_000, 1_500_000_000), "1500ms");
    assert_eq!(print(20_000_000, 9_000_000_000, 20_000_000), "0.02s");
    assert_eq!(print(5_000, 9_000_000_000, 9_000_000_000), "9000000us");
    assert_eq!(print(0, 0, 0), "0");
}

#[test]
fn shares_have_two_decimals_or_two_digits() {
    let cases = [
        (0, "    0%"),
        (1, "0.001%"),
        (99_960, "  100%"),
        (12_345, "12.35%"),
        (1_000, " 1.00%"),
        (996, "    1%"),
        (100, "  0.1%"),
        (123, " 0.12%"),
        (-2_000, " 2.00%"),
    ];
    for (value, printed) in cases {
        assert_eq!(percent(value, 100_000), printed, "{value}");
    }
    assert_eq!(percent(1, 12_345_678), "8.1e-06%");
    assert_eq!(percent(1, 100_000_000), "1e-06%");
    assert_eq!(percent(5, 0), "    0%");
}
