//! Queries that commit in several transactions of their own. A failure does not undo what they have committed, so they are
//! not sent twice.
//!
//! This driver does not read Cypher, but the few words that tell such a query stand out: `CALL {…} IN [n CONCURRENT]
//! TRANSACTIONS`, `USING PERIODIC COMMIT`, and procedures of APOC that begin transactions. What a string holds is looked
//! through as well, since procedures run what they are given. What cannot be told counts as such a query.

/// Namespaces and names of procedures that commit on their own. Of `apoc.cypher`, most work in the transaction of the query.
const PROCEDURES: &[&[&str]] = &[
    &["APOC", "PERIODIC"],
    &["APOC", "CYPHER", "RUNFILE"],
    &["APOC", "CYPHER", "RUNFILES"],
    &["APOC", "CYPHER", "RUNSCHEMA"],
    &["APOC", "CYPHER", "RUNSCHEMAFILE"],
    &["APOC", "CYPHER", "RUNSCHEMAFILES"],
    &["APOC", "CYPHER", "RUNMANY"],
    &["APOC", "CYPHER", "RUNTIMEBOXED"],
    &["APOC", "CYPHER", "PARALLEL"],
    &["APOC", "CYPHER", "PARALLEL2"],
    &["APOC", "CYPHER", "MAPPARALLEL"],
    &["APOC", "CYPHER", "MAPPARALLEL2"],
    &["APOC", "IMPORT"],
    &["APOC", "NODES", "DELETE"],
    &["APOC", "REFACTOR", "RENAME"],
];

/// Whether a query commits, or may commit, in several transactions of its own.
pub(super) fn commits_in_batches(query: &str) -> bool {
    let Some(tokens) = tokens(query) else { return true };
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let follow = |words: &[&str]| tokens.windows(words.len()).any(|window| window == words);
    let dotted = |name: &&[&str]| {
        let words: Vec<&str> = tokens.iter().copied().filter(|token| *token != ".").collect();
        words.windows(name.len()).any(|window| window == *name)
    };
    follow(&["}", "IN", "TRANSACTIONS"])
        || follow(&["CONCURRENT", "TRANSACTIONS"])
        || follow(&["PERIODIC", "COMMIT"])
        || PROCEDURES.iter().any(dotted)
}

/// The words of a query in capitals, and its other signs one by one, without comments. `None` for what is written in a way that
/// hides words: Cypher takes `\u0049` for `I` anywhere.
fn tokens(query: &str) -> Option<Vec<String>> {
    let mut tokens = Vec::new();
    let mut quote = None;
    let mut rest = query.chars().peekable();
    while let Some(sign) = rest.next() {
        match (quote, sign) {
            (None, '\\') => return None,
            (Some(_), '\\') => {
                if rest.next() == Some('u') {
                    return None;
                }
            }
            (None, '/') if rest.peek() == Some(&'/') => {
                rest.by_ref().find(|sign| matches!(sign, '\n' | '\r'));
            }
            (None, '/') if rest.peek() == Some(&'*') => {
                rest.next();
                let mut last = ' ';
                rest.by_ref().find(|sign| std::mem::replace(&mut last, *sign) == '*' && *sign == '/');
            }
            (None, '\'' | '"' | '`') => quote = Some(sign),
            (Some(open), _) if open == sign => quote = None,
            _ if is_of_a_word(sign) => {
                let mut word = String::from(sign.to_ascii_uppercase());
                while let Some(next) = rest.next_if(|next| is_of_a_word(*next)) {
                    word.push(next.to_ascii_uppercase());
                }
                tokens.push(word);
            }
            _ if sign.is_whitespace() => {}
            _ => tokens.push(sign.into()),
        }
    }
    Some(tokens)
}

fn is_of_a_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_' || sign == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_that_commit_in_batches() {
        for query in [
            "MATCH (a) CALL { WITH a CREATE (:N) } IN TRANSACTIONS OF 100 ROWS",
            "UNWIND $ids AS id CALL (id) { CREATE (:N {id: id}) } in 4 concurrent transactions",
            "UNWIND $ids AS id CALL (id) { CREATE (:N) } IN $n CONCURRENT TRANSACTIONS",
            "LOAD CSV FROM 'http://x/y' AS r CALL (r) { CREATE (:N) }\n\tIN\nTRANSACTIONS",
            "CALL { CREATE (:N) } /* IN } */ IN // it's late\n TRANSACTIONS",
            "RETURN \"it's\" AS a, '//' AS b CALL { CREATE (:N) } IN TRANSACTIONS",
            "RETURN 'it\\'s' AS a CALL { CREATE (:N) } IN TRANSACTIONS",
            "USING PERIODIC COMMIT 500 LOAD CSV FROM 'file:///x' AS r CREATE (:N)",
            "using periodic\ncommit load csv from 'file:///x' as r create (:N)",
            "CALL apoc.periodic.iterate('MATCH (n) RETURN n', 'SET n.x = 1', {})",
            "CALL `apoc`.`periodic`.commit('…')",
            "CALL apoc . periodic . commit('…')",
            "CALL apoc.cypher.runMany('CREATE (:A); CREATE (:B);', {})",
            "CALL apoc.cypher.runFile('f.cypher')",
            "CALL apoc.cypher.mapParallel2('CREATE (:N)', {}, $list, 4)",
            "CALL custom.run('MATCH (a) CALL { WITH a CREATE (:N) } IN TRANSACTIONS')",
            "CALL { CREATE (:N) } \\u0049N TRANSACTIONS",
        ] {
            assert!(commits_in_batches(query), "{query}");
        }
    }

    #[test]
    fn queries_that_do_not() {
        for query in [
            "",
            "CREATE (n) RETURN n",
            "MATCH (t:Transactions) RETURN t",
            "MATCH (t) WHERE t IN transactions RETURN t",
            "CALL { CREATE (:N) } RETURN 1 // no longer } IN TRANSACTIONS",
            "CALL { CREATE (:N) } /* } IN TRANSACTIONS",
            "MATCH (a) CALL { WITH a CREATE (:N) } RETURN 'a\\'b' AS periodic, 2 AS commit",
            "RETURN apoc.cypher.runFirstColumnSingle('MATCH (n) RETURN n', {}) AS n",
            "CALL apoc.cypher.doIt('CREATE (:N)', {}) YIELD value RETURN value",
            "CALL apoc.path.expand(n, 'A', 'B', 1, 2)",
        ] {
            assert!(!commits_in_batches(query), "{query}");
        }
    }
}
