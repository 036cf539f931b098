import { choice } from './choice.mjs'
import { members } from './members.mjs'
import { sessions } from './sessions.mjs'
import { slowReader } from './slow-reader.mjs'
import { waiters } from './waiters.mjs'

/**
 * What is measured: `measure(size, clusterOf)` for each of the `sizes`, in a process of its own, gives the figures of a row;
 * `key(size)` is what the row is of.
 */
export const measures = [members, choice, sessions, waiters, slowReader]
