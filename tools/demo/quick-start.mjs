// Runs examples/quick-start.js as it stands, but for its ports and its password, and shows who served what.

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { LiveBlock, table } from '../../lib/cli/table.js'
import { UserError } from '../lib/exec.mjs'
import { ROOT } from '../lib/project.mjs'

const LIMIT = 60_000

/** The program's text with the addresses and the password of this cluster. */
function programFor(cluster) {
  let text = readFileSync(join(ROOT, 'examples', 'quick-start.js'), 'utf8')
  const replace = (from, to) => {
    if (!text.includes(from)) throw new Error(`examples/quick-start.js no longer holds ${from}`)
    text = text.replaceAll(from, to)
  }
  cluster.members.forEach(({ http, bolt }, i) => {
    replace(`http://127.0.0.1:${7474 + i}`, http)
    replace(`bolt://127.0.0.1:${7687 + i}`, bolt)
  })
  replace("pass: 'password'", `pass: ${JSON.stringify(cluster.auth.pass)}`)
  return text
}

/** @param {Awaited<ReturnType<import('../servers/index.mjs').up>>} cluster */
export async function quickStart(cluster) {
  const block = new LiveBlock()
  const reads = new Map()
  const draw = () => {
    const heading = [
      'reads by strategy',
      ...cluster.members.map(({ member, role }) => `member ${member} (${role})`)
    ]
    const rows = [...reads].map(([strategy, byBolt]) => {
      return [strategy, ...cluster.members.map(({ bolt }) => byBolt.get(bolt) ?? 0)]
    })
    block.draw(table(heading, rows))
  }
  const child = spawn(process.execPath, ['-e', programFor(cluster)], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LIMIT
  })
  const lines = createInterface({ input: child.stdout })
  lines.on('line', line => {
    const read = /^(\w+): \d+ people from the \w+ (\S+)$/.exec(line)
    if (read) {
      const [, strategy, bolt] = read
      if (!reads.has(strategy)) reads.set(strategy, new Map())
      reads.get(strategy).set(bolt, (reads.get(strategy).get(bolt) ?? 0) + 1)
    }
    block.log(`  ${line}`)
    draw()
  })
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (...end) => resolve(end))
  })
  block.settle()
  if (code !== 0) throw new UserError(`the quick start failed (${signal ?? `exit code ${code}`})`)
}
