// Measurements in processes of their own.
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

/** No row takes so long unless it hangs, in ms. */
const LIMIT = 300_000

/** What a Node.js process with these arguments prints, as JSON, while it measures `what`. */
export async function answerOf(args, what) {
  const child = spawn(process.execPath, ['--expose-gc', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LIMIT
  })
  const exit = new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', resolve)
  })
  const [out, code] = await Promise.all([text(child.stdout), exit])
  if (code !== 0) throw new Error(`${what} did not end as it should (${code ?? 'it took too long'})`)
  return JSON.parse(out)
}
