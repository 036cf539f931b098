// What clients and floor ask, word for word the same: the floor asks it of every member all the time, so that none has to plan it
// first when it becomes master.

/** @param {string} label of all that is written in a trial */
export const queries = label => ({
  write: `CREATE (:${label} {writer: $writer, id: toInteger($id)})`,
  read: 'MATCH (n) RETURN id(n) LIMIT 1'
})

/** How often each id is there that `$writer` wrote. */
export const count = label => `MATCH (n:${label} {writer: $writer}) RETURN n.id, count(*)`
