pub(in crate::cli::bench) fn of(
    _: &crate::cli::bench::results::Results,
    _: Option<&crate::cli::bench::results::Results>,
) -> Result<String, String> {
    Ok(String::new())
}
