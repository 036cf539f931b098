/** Who we are, for servers' logs. */

import { arch, platform, release } from 'node:os'

const { name, version } = require('../../package.json') as { name: string; version: string }

/** Version of this package. */
export const VERSION: string = version

/** Sent in HELLO unless the option `userAgent` says otherwise. */
export const USER_AGENT: string = `${name}/${version}`

/** Sent in HELLO from Bolt 5.3 on. */
export const BOLT_AGENT = Object.freeze({
  product: USER_AGENT,
  platform: `${platform()} ${release()}; ${arch()}`,
  language: `Node.js/${process.version}`,
  language_details: `Node.js/${process.versions.node} (v8 ${process.versions.v8})`
})
