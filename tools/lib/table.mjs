// Text tables, and a part of the terminal that is drawn again in place.

import { stripVTControlCharacters } from 'node:util'

const width = text => stripVTControlCharacters(text).length

/**
 * Rows of cells as aligned text, the first row as heading. Columns whose cells are all numbers are right-aligned.
 *
 * @param {string[]} heading
 * @param {(string | number | null | undefined)[][]} rows
 * @returns {string}
 */
export function table(heading, rows) {
  const cells = rows.map(row => heading.map((_, i) => String(row[i] ?? '')))
  const widths = heading.map((name, i) => Math.max(width(name), ...cells.map(row => width(row[i]))))
  const numeric = heading.map((_, i) => rows.length > 0 && rows.every(row => typeof row[i] === 'number'))
  const line = row =>
    row
      .map((cell, i) => {
        const gap = ' '.repeat(widths[i] - width(cell))
        return numeric[i] ? gap + cell : cell + gap
      })
      .join('  ')
      .trimEnd()
  return [line(heading), widths.map(n => '-'.repeat(n)).join('  '), ...cells.map(line)].join('\n')
}

const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39]
}

/**
 * Styled text where the output is a terminal that shows colours, else the text itself.
 *
 * @param {keyof typeof STYLES} name
 * @param {string} text
 */
export function style(name, text, stream = process.stdout) {
  if (!stream.isTTY || process.env.NO_COLOR) return text
  const [on, off] = STYLES[name]
  return `\x1b[${on}m${text}\x1b[${off}m`
}

/**
 * A block of lines at the end of the terminal's output which `draw` replaces, with lines that stay scrolling above it.
 * Where the output is no terminal, blocks are written only by `settle`, so that a log does not fill with redraws.
 */
export class LiveBlock {
  #stream
  #text = ''
  #drawn = 0

  constructor(stream = process.stdout) {
    this.#stream = stream
  }

  /** Shows this text in place of what was drawn before. */
  draw(text) {
    this.#text = text
    if (!this.#stream.isTTY) return
    this.#erase()
    this.#write()
  }

  /** Writes a line that stays, above the block. */
  log(line) {
    this.#erase()
    this.#stream.write(`${line}\n`)
    this.#write()
  }

  /** Leaves the block as it stands and starts an empty one after it. */
  settle() {
    if (!this.#stream.isTTY && this.#text) this.#stream.write(`${this.#text}\n`)
    this.#text = ''
    this.#drawn = 0
  }

  #erase() {
    if (this.#drawn > 0) this.#stream.write(`\x1b[${this.#drawn}A\x1b[0J`)
    this.#drawn = 0
  }

  #write() {
    if (!this.#stream.isTTY || !this.#text) return
    const columns = this.#stream.columns || 80
    const lines = this.#text.split('\n')
    this.#stream.write(`${this.#text}\n`)
    this.#drawn = lines.reduce((n, line) => n + Math.max(1, Math.ceil(width(line) / columns)), 0)
  }
}
