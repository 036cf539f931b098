/**
 * Text tables, and a part of the terminal that is drawn again in place. Plain JavaScript, which the tools of the project use before
 * anything of it is built.
 */

const { stripVTControlCharacters } = require('node:util')

/** The narrowest that a last column is made: where it has less room, it goes below its row. */
const NARROWEST = 32

/** @param {string} text */
const width = text => stripVTControlCharacters(text).length

/**
 * Rows of cells as aligned text, the first row as heading. Columns whose cells are all numbers are right-aligned.
 *
 * @param {readonly string[]} heading
 * @param {readonly (readonly (string | number | null | undefined)[])[]} rows
 * @param {{ columns?: number }} [options] `columns`: how wide it may be. What does not fit into the last column goes on in other lines
 * @returns {string}
 */
function table(heading, rows, { columns } = {}) {
  const cells = rows.map(row => heading.map((_, i) => String(row[i] ?? '')))
  const widths = heading.map((name, i) => Math.max(width(name), ...cells.map(row => width(row[i]))))
  const numeric = heading.map((_, i) => rows.length > 0 && rows.every(row => typeof row[i] === 'number'))
  /** @param {readonly string[]} row */
  const line = row =>
    row
      .map((cell, i) => {
        const gap = ' '.repeat(Math.max(0, widths[i] - width(cell)))
        return numeric[i] ? gap + cell : cell + gap
      })
      .join('  ')
      .trimEnd()
  const last = heading.length - 1
  const before = widths.slice(0, last).reduce((sum, n) => sum + n + 2, 0)
  const room = columns === undefined ? widths[last] : columns - before
  const isBelow = room < Math.min(widths[last], NARROWEST)
  const indent = isBelow ? 2 : before
  if (isBelow) widths.pop()
  else widths[last] = Math.min(widths[last], room)
  /** @param {readonly string[]} row */
  const lines = row => {
    const parts = wrapped(row[last], isBelow ? Number(columns) - indent : room)
    const whole = isBelow ? row.slice(0, last) : [...row.slice(0, last), String(parts.shift())]
    return [line(whole), ...parts.filter(part => part !== '').map(part => ' '.repeat(indent) + part)].join(
      '\n'
    )
  }
  return [
    line(heading.slice(0, widths.length)),
    widths.map(n => '-'.repeat(n)).join('  '),
    ...cells.map(lines)
  ].join('\n')
}

/**
 * Text in lines that are no longer than that, but for words which are.
 *
 * @param {string} text
 * @param {number} columns
 * @returns {string[]}
 */
function wrapped(text, columns) {
  const lines = ['']
  for (const word of text.split(' ')) {
    const longer = lines[lines.length - 1] === '' ? word : `${lines[lines.length - 1]} ${word}`
    if (width(longer) <= columns || lines[lines.length - 1] === '') lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

/** @type {{ readonly [name: string]: readonly [on: number, off: number] }} */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39]
}

/** @typedef {NodeJS.WritableStream & { isTTY?: boolean, columns?: number, hasColors?: () => boolean }} Output */

/**
 * Whether colours are shown: where FORCE_COLOR is set, as it says; not where NO_COLOR is; else where the output is a terminal that has them.
 *
 * @param {Output} stream
 */
function hasColors(stream) {
  const { FORCE_COLOR, NO_COLOR } = process.env
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  if (NO_COLOR) return false
  return stream.isTTY === true && stream.hasColors?.() !== false
}

/**
 * How wide lines may be: as the terminal is; undefined where the output is none.
 *
 * @param {Output} stream
 * @returns {number | undefined}
 */
function widthOf({ isTTY, columns }) {
  return isTTY && columns ? columns : undefined
}

/**
 * Styled text where the output shows colours, else the text itself.
 *
 * @param {'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'} name
 * @param {string} text
 * @param {Output} [stream]
 * @returns {string}
 */
function style(name, text, stream = process.stdout) {
  if (!hasColors(stream)) return text
  const [on, off] = STYLES[name]
  return `\x1b[${on}m${text}\x1b[${off}m`
}

/**
 * A block of lines at the end of the terminal's output which `draw` replaces, with lines that stay scrolling above it.
 * Where the output is no terminal, blocks are written only by `settle`, so that a log does not fill with redraws.
 */
class LiveBlock {
  /** @type {Output} */
  #stream
  #text = ''
  #drawn = 0

  /** @param {Output} [stream] */
  constructor(stream = process.stdout) {
    this.#stream = stream
  }

  /**
   * Shows this text in place of what was drawn before.
   *
   * @param {string} text
   */
  draw(text) {
    this.#text = text
    if (!this.#stream.isTTY) return
    this.#erase()
    this.#write()
  }

  /**
   * Writes a line that stays, above the block.
   *
   * @param {string} line
   */
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

exports.table = table
exports.style = style
exports.widthOf = widthOf
exports.LiveBlock = LiveBlock
