//! Kinds of clusters, as data: what their members are asked over HTTP, which answers there are, and what they mean.
//!
//! The endpoints are Neo4j's own for load balancers. Sources: operations manual 3.5, "HTTP endpoints for status information" of
//! highly available clusters and of causal clusters; operations manual 4.4 and 5, "Monitor cluster endpoints for status information".
//! That members of one kind answer 403 or 404 to the questions of the other was seen on 3.4 and 3.5.

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
    /// A causal cluster, Neo4j 3.1 to 3.5, or a cluster of Neo4j 4 or later.
    Cluster,
    /// Any cluster that routes, asked over Bolt alone: each member for its routing table, and what that says of itself.
    Routing,
    /// A server of its own: it takes reads and writes if it answers over Bolt.
    Single,
}

impl Kinds {
    /// Whether servers say over HTTP what they are.
    pub(super) fn are_asked_over_http(self) -> bool {
        !self.asked().is_empty()
    }

    /// Whether servers that have no HTTP URL are asked for their routing table.
    pub(super) fn may_route(self) -> bool {
        matches!(self, Kinds::Auto | Kinds::Routing)
    }

    /// What the kinds are called in a sentence that says that it is none of them.
    pub(super) fn titles(self) -> String {
        self.asked().iter().map(|kind| kind.title).collect::<Vec<_>>().join(", nor of ")
    }

    /// The kinds whose members are asked, in this order, until one answers.
    pub(super) fn asked(self) -> &'static [Kind] {
        match self {
            Kinds::Auto => &KINDS,
            Kinds::Ha => KINDS.get(..1).unwrap_or_default(),
            Kinds::Cluster => KINDS.get(1..).unwrap_or_default(),
            Kinds::Routing | Kinds::Single => &[],
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
    /// What tells what a member is, in this order, until an answer says it.
    pub(super) questions: &'static [Question],
    /// Where a member tells how far it is.
    pub(super) status: Option<&'static str>,
    /// What it calls members that never become the master.
    pub(super) read_only: &'static str,
    /// Members have a role for each database: `{database}` in a path stands for one.
    pub(super) is_per_database: bool,
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
    /// It is a member, and not what it was asked for.
    IsNot,
}

pub(super) const SINGLE: &str = "single";
/// The kind that is asked over Bolt.
pub(super) const ROUTING: &str = "routing";
/// Who is in a routing table as what.
pub(super) const WRITER: &str = "writer";
pub(super) const READER: &str = "reader";
/// They never become the leader.
const READ_REPLICA: &str = "read replica";
const SECONDARY: &str = "secondary";

/// Whether who is called that may become the master.
pub(super) fn may_become_master(role_name: Option<&str>) -> bool {
    !matches!(role_name, Some(READ_REPLICA | SECONDARY))
}

// Static: which one a server is of is told by where it is.
static KINDS: [Kind; 3] = [
    Kind {
        title: "a highly available cluster",
        name: "ha",
        questions: &[Question {
            path: "/db/manage/server/ha/available",
            answers: &[
                (200, "master", Says::Is(Role::Master, "master")),
                (200, "slave", Says::Is(Role::Slave, "slave")),
                (404, "UNKNOWN", Says::IsNot),
            ],
        }],
        status: None,
        read_only: READ_REPLICA,
        is_per_database: false,
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
                answers: &[(200, "true", Says::Is(Role::Slave, READ_REPLICA)), (404, "false", Says::IsNot)],
            },
        ],
        status: Some("/db/manage/server/causalclustering/status"),
        read_only: READ_REPLICA,
        is_per_database: false,
        setting: "dbms.security.causal_clustering_status_auth_enabled=false",
    },
    Kind {
        title: "a cluster of Neo4j 4 or later",
        name: "cluster",
        questions: &[
            Question {
                path: "/db/{database}/cluster/writable",
                answers: &[(200, "true", Says::Is(Role::Master, "leader")), (404, "false", Says::IsNot)],
            },
            Question {
                path: "/db/{database}/cluster/read-only",
                answers: &[(200, "true", Says::Is(Role::Slave, "follower")), (404, "false", Says::IsNot)],
            },
        ],
        status: Some("/db/{database}/cluster/status"),
        read_only: SECONDARY,
        is_per_database: true,
        setting: "dbms.security.cluster_status_auth_enabled=false (4.x: dbms.security.causal_clustering_status_auth_enabled=false)",
    },
];

impl Question {
    /// What this answer means; `None` if a member of this kind does not answer so.
    pub(super) fn means(&self, status: u16, body: &str) -> Option<Says> {
        let is_it = |(code, text, _): &&(u16, &str, Says)| (*code, *text) == (status, body.trim());
        self.answers.iter().find(is_it).map(|(_, _, says)| *says)
    }
}

/// What a member says at its status endpoint, of which there is more.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Progress {
    /// Which entry of the log of its Raft group it has applied last.
    /// Below 0 there is none yet.
    pub(super) last_applied_raft_index: Option<i64>,
    /// Whether it may become the leader.
    pub(super) core: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_members_answer() {
        let table = [
            ("ha/available", 200, "master", Some(Says::Is(Role::Master, "master"))),
            ("ha/available", 200, "slave\n", Some(Says::Is(Role::Slave, "slave"))),
            ("ha/available", 404, "UNKNOWN", Some(Says::IsNot)),
            ("ha/available", 403, "", None),
            ("ha/available", 404, "", None),
            ("ha/available", 500, "master", None),
            ("core/writable", 200, "true", Some(Says::Is(Role::Master, "leader"))),
            ("core/writable", 404, "false", Some(Says::Is(Role::Slave, "follower"))),
            ("core/writable", 403, "", None),
            ("read-replica/available", 200, "true", Some(Says::Is(Role::Slave, READ_REPLICA))),
            ("read-replica/available", 403, "", None),
            ("{database}/cluster/writable", 200, "true", Some(Says::Is(Role::Master, "leader"))),
            ("{database}/cluster/writable", 404, "false", Some(Says::IsNot)),
            ("{database}/cluster/writable", 404, "", None),
            ("{database}/cluster/read-only", 200, "true", Some(Says::Is(Role::Slave, "follower"))),
            ("{database}/cluster/read-only", 404, "false", Some(Says::IsNot)),
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
        assert_eq!(names(Kinds::Auto), ["ha", "cluster", "cluster"]);
        assert_eq!(names(Kinds::Ha), ["ha"]);
        assert_eq!(names(Kinds::Cluster), ["cluster", "cluster"]);
        assert!(names(Kinds::Routing).is_empty());
        assert!(names(Kinds::Single).is_empty());
    }
    #[test]
    fn how_far_a_member_is() {
        let progress = |json: &str| serde_json::from_str::<Progress>(json).unwrap_or_default();
        let known = progress(
            r#"{"lastAppliedRaftIndex":42,"votingMembers":["a"],"memberId":"a","leader":"a","core":true,"healthy":true}"#,
        );
        assert_eq!(known, Progress { last_applied_raft_index: Some(42), core: Some(true) });
        for json in ["", "{}", "[]", r#"{"lastAppliedRaftIndex":"x"}"#, "<html>"] {
            assert_eq!(progress(json), Progress::default(), "{json}");
        }
    }
}
