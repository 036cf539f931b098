/** Asks for a password, which is shown nowhere. */

import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/** The prompt was left. */
export class PromptAbandoned extends Error {
  constructor() {
    super('No password was given.')
  }
}

/**
 * @param prompt is written to `output`; what is typed is not
 * @throws PromptAbandoned on Ctrl-C, and at the end of the input
 */
export function askPassword(
  prompt: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream
): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output: nowhere, terminal: true, historySize: 0 })
  output.write(prompt)
  return new Promise((resolve, reject) => {
    lines.once('line', resolve)
    lines.once('SIGINT', () => lines.close())
    lines.once('close', () => reject(new PromptAbandoned()))
  }).finally(() => {
    lines.close()
    output.write('\n')
  }) as Promise<string>
}
