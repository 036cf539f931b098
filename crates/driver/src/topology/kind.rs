//! Kinds of clusters, as data: what their members are asked over HTTP, which answers there are, and what they mean.
//!
//! The endpoints are Neo4j's own for load balancers. Sources: operations manual 3.5, "HTTP endpoints for status information" of
//! highly available clusters and of causal clusters. That members of one kind answer 403 or 404 to the questions of the other
//! was seen on 3.4 and 3.5.

use serde::Deserialize;

use super::Role;

/// Which kinds of clusters a server may be a member of: the option `topology`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kinds {
    /// Whatever the server says.
    Auto,
    /// A highly available cluster, Neo4j up to 3.5.
    Ha,
    /// A causal cluster, Neo4j 3.1 to 3.5.
    Cluster,
    /// A server of its own: it takes reads and writes if it answers over Bolt.
    Single,
}

impl Kinds {
    /// What is asked, until a member answers: each question with its kind.
    pub(super) fn questions(self) -> Vec<(&'static Kind, &'static Question)> {
        let of = |kind: &'static Kind| kind.questions.iter().map(move |question| (kind, question));
        self.asked().iter().flat_map(of).collect()
    }

    /// What the kinds are called in a sentence that says that it is none of them.
    pub(super) fn titles(self) -> String {
        self.asked().iter().map(|kind| kind.title).collect::<Vec<_>>().join(", nor of ")
    }

    fn asked(self) -> &'static [Kind] {
        match self {
            Kinds::Auto => &KINDS,
            Kinds::Ha => KINDS.get(..1).unwrap_or_default(),
            Kinds::Cluster => KINDS.get(1..).unwrap_or_default(),
            Kinds::Single => &[],
        }
    }
}

/// One kind of cluster.
#[derive(Debug)]
pub(super) struct Kind {
    /// What it is called in a sentence.
    pub(super) title: &'static str,
    /// Its name for applications.
    pub(super) name: &'static str,
    /// What tells what a member is, in this order. A member answers one of them.
    pub(super) questions: &'static [Question],
    /// What lets everybody ask.
    pub(super) setting: &'static str,
}

#[derive(Debug)]
pub(super) struct Question {
    pub(super) path: &'static str,
    answers: &'static [(u16, &'static str, Says)],
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// The member is that, in the cluster's own word.
    Is(Role, &'static str),
    /// It is a member, and has no role.
    NoRole,
}

pub(super) const SINGLE: &str = "single";
/// It never becomes the leader.
pub(super) const READ_REPLICA: &str = "read replica";

const KINDS: [Kind; 2] = [
    Kind {
        title: "a highly available cluster",
        name: "ha",
        questions: &[Question {
            path: "/db/manage/server/ha/available",
            answers: &[
                (200, "master", Says::Is(Role::Master, "master")),
                (200, "slave", Says::Is(Role::Slave, "slave")),
                (404, "UNKNOWN", Says::NoRole),
            ],
        }],
        setting: "dbms.security.ha_status_auth_enabled=false",
    },
    Kind {
        title: "a causal cluster",
        name: "cluster",
        questions: &[
            Question {
                path: "/db/manage/server/core/writable",
                answers: &[
                    (200, "true", Says::Is(Role::Master, "leader")),
                    (404, "false", Says::Is(Role::Slave, "follower")),
                ],
            },
            Question {
                path: "/db/manage/server/read-replica/available",
                answers: &[(200, "true", Says::Is(Role::Slave, READ_REPLICA)), (404, "false", Says::NoRole)],
            },
        ],
        setting: "dbms.security.causal_clustering_status_auth_enabled=false",
    },
];

impl Question {
    /// What this answer means; `None` if a member of this kind does not answer so.
    pub(super) fn means(&self, status: u16, body: &str) -> Option<Says> {
        let is_it = |(code, text, _): &&(u16, &str, Says)| (*code, *text) == (status, body.trim());
        self.answers.iter().find(is_it).map(|(_, _, says)| *says)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_members_answer() {
        let table = [
            ("ha/available", 200, "master", Some(Says::Is(Role::Master, "master"))),
            ("ha/available", 200, "slave\n", Some(Says::Is(Role::Slave, "slave"))),
            ("ha/available", 404, "UNKNOWN", Some(Says::NoRole)),
            ("ha/available", 403, "", None),
            ("ha/available", 404, "", None),
            ("ha/available", 500, "master", None),
            ("core/writable", 200, "true", Some(Says::Is(Role::Master, "leader"))),
            ("core/writable", 404, "false", Some(Says::Is(Role::Slave, "follower"))),
            ("core/writable", 403, "", None),
            ("read-replica/available", 200, "true", Some(Says::Is(Role::Slave, READ_REPLICA))),
            ("read-replica/available", 403, "", None),
        ];
        for (path, status, body, says) in table {
            let questions = KINDS.iter().flat_map(|kind| kind.questions);
            let question = questions.into_iter().find(|question| question.path.ends_with(path)).unwrap();
            assert_eq!(question.means(status, body), says, "{path} {status} {body}");
        }
    }

    #[test]
    fn what_is_asked() {
        let names = |kinds: Kinds| kinds.asked().iter().map(|kind| kind.name).collect::<Vec<_>>();
        assert_eq!(names(Kinds::Auto), ["ha", "cluster"]);
        assert_eq!(names(Kinds::Ha), ["ha"]);
        assert_eq!(names(Kinds::Cluster), ["cluster"]);
        assert!(names(Kinds::Single).is_empty());
    }
}
