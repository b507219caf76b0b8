//! Short names that people of this field have in their `.env` already, and what they mean here.

/// Short names of parts that this build does not have.
pub(super) const IGNORED: [&str; 4] = ["KAFKA_BOOTSTRAP", "KAFKA_TOPIC", "ES_HOST", "SESSION_SECRET"];

/// The key and value that a short name stands for.
pub(super) fn short(name: &str, value: &str) -> Option<(&'static str, String)> {
    match name {
        "DATABASE_URL" | "SQLALCHEMY_DATABASE_URI" => Some(("store.url", database_url(value))),
        _ => None,
    }
}

/// Reads SQLAlchemy's form: `postgresql+psycopg2://` names a Python driver that we have no use for, and after
/// `sqlite:///` comes a relative path, after `sqlite:////` an absolute one.
fn database_url(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let scheme = scheme.split_once('+').map_or(scheme, |(scheme, _driver)| scheme);
    let rest = if scheme == "sqlite" { rest.strip_prefix('/').unwrap_or(rest) } else { rest };
    format!("{scheme}://{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_urls_lose_their_driver_and_keep_their_path() {
        let check = |value: &str, expected: &str| assert_eq!(database_url(value), expected);
        check("sqlite:///x.db", "sqlite://x.db");
        check("sqlite:////var/x.db", "sqlite:///var/x.db");
        check("sqlite+aiosqlite:///x.db", "sqlite://x.db");
        check("postgresql+psycopg2://u:p@h/d", "postgresql://u:p@h/d");
        check("mysql://h/d", "mysql://h/d");
        check("sqlite::memory:", "sqlite::memory:");
    }
}
