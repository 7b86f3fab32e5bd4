/**
 * Tables of the automaton; `aho-corasick.ts` says how they are read. Matching goes from place to place: the
 * place of a state with a row is the offset of that row, other states follow behind the last row. So a
 * transition is one load, without a multiplication. A transition is `place * 2 + ends`.
 */
export interface Tables {
  readonly classes: Uint8Array
  readonly classCount: number
  /** States below this have a row of `classCount` transitions; the root is state 0. */
  readonly rowStates: number
  readonly rows: Int32Array
  /** First place that is no row: `rowStates * classCount`. */
  readonly rowLimit: number
  /** By place minus `rowLimit`: class of the only child (NO_CHILD without one), transition, failure place. */
  readonly labels: Uint16Array
  readonly next: Int32Array
  readonly fail: Int32Array
  /** Ids of a state's patterns are `outputs[outputStart[state]]` up to `outputs[outputStart[state + 1]]`. */
  readonly outputStart: Int32Array
  readonly outputs: Int32Array
  /** Nearest state on the failure links that has patterns, -1 when none has. */
  readonly outputLink: Int32Array
  readonly patternLengths: Int32Array
}

const NO_CHILD = 0xffff

/**
 * Transitions (of 4 bytes) spent on rows for the states nearest to the root, whether they branch or not: text
 * that matches nothing stays there, and a row saves it the walk along the failure links.
 */
const SHALLOW_TRANSITIONS = 131_072

/** Children of a node are a list in ascending order of their class. */
interface Trie {
  readonly size: number
  readonly label: Uint8Array
  readonly firstChild: Int32Array
  readonly sibling: Int32Array
  /** Node where each pattern ends. */
  readonly ends: Int32Array
}

export function buildTables(patterns: readonly string[], ignoreCase: boolean): Tables {
  const { classes, classCount } = byteClasses(patterns, ignoreCase)
  const trie = buildTrie(patterns, classes)
  const order = breadthFirst(trie)
  const { stateOf, rowStates } = numberStates(trie, order, classCount)
  const { outputStart, outputs } = listOutputs(patterns, trie, stateOf)
  const patternLengths = Int32Array.from(patterns, (pattern) => pattern.length)
  const links = linkStates(trie, order, stateOf, rowStates, classCount, outputStart)
  skipUselessFailures(links, rowStates)
  const rowLimit = rowStates * classCount
  moveTransitions(links.rows, rowStates, classCount)
  moveTransitions(links.next, rowStates, classCount)
  const { fail } = links
  for (let index = 0; index < fail.length; index += 1) {
    const state = fail[index]
    fail[index] = state < rowStates ? state * classCount : rowLimit + state - rowStates
  }
  return {
    ...links,
    classes,
    classCount,
    rowStates,
    rowLimit,
    outputStart,
    outputs,
    patternLengths,
  }
}

/** Transitions to states become transitions to the places of these states. */
function moveTransitions(transitions: Int32Array, rowStates: number, classCount: number): void {
  const behindRows = rowStates * classCount - rowStates
  for (let index = 0; index < transitions.length; index += 1) {
    const transition = transitions[index]
    const state = transition >> 1
    const place = state < rowStates ? state * classCount : state + behindRows
    transitions[index] = place * 2 + (transition & 1)
  }
}

/**
 * A failure state with the same only child fails for the same classes: the walk goes on from where it would
 * lead. States are numbered breadth first, so those a failure leads to are done before.
 */
function skipUselessFailures({ labels, fail }: Links, rowStates: number): void {
  for (let index = 0; index < fail.length; index += 1) {
    let state = fail[index]
    while (state >= rowStates && labels[state - rowStates] === labels[index]) {
      state = fail[state - rowStates]
    }
    fail[index] = state
  }
}

/** Class 0 is that of all bytes that no pattern has. */
function byteClasses(
  patterns: readonly string[],
  ignoreCase: boolean,
): { classes: Uint8Array; classCount: number } {
  const occurs = new Uint8Array(256)
  for (const pattern of patterns) {
    if (pattern === '') throw new RangeError('a pattern is empty')
    for (let index = 0; index < pattern.length; index += 1) {
      occurs[foldByte(pattern.charCodeAt(index), ignoreCase)] = 1
    }
  }
  const classes = new Uint8Array(256)
  let classCount = 1
  for (let byte = 0; byte < 256; byte += 1) {
    if (occurs[byte] === 0 || foldByte(byte, ignoreCase) !== byte) continue
    // All 256 bytes in use leave no class for others: the last byte may then share class 0.
    classes[byte] = classCount === 256 ? 0 : classCount
    classCount = Math.min(256, classCount + 1)
  }
  if (ignoreCase) {
    for (let byte = 0x41; byte <= 0x5a; byte += 1) classes[byte] = classes[byte + 0x20]
  }
  return { classes, classCount }
}

function foldByte(byte: number, ignoreCase: boolean): number {
  return ignoreCase && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte
}

/** Patterns go in sorted by class, so that each shares its beginning with the one before. */
function buildTrie(patterns: readonly string[], classes: Uint8Array): Trie {
  let bytes = 0
  const keys = patterns.map((pattern) => {
    bytes += pattern.length
    let key = ''
    for (let index = 0; index < pattern.length; index += 1) {
      key += String.fromCharCode(classes[pattern.charCodeAt(index)])
    }
    return key
  })
  const sorted = keys.map((_, id) => id).sort((left, right) => compare(keys[left], keys[right]))
  const label = new Uint8Array(bytes + 1)
  const firstChild = new Int32Array(bytes + 1).fill(-1)
  const sibling = new Int32Array(bytes + 1).fill(-1)
  const ends = new Int32Array(patterns.length)
  const path: number[] = [0]
  const lastChild = new Int32Array(bytes + 1).fill(-1)
  let size = 1
  let before = ''
  for (const id of sorted) {
    const key = keys[id]
    let depth = 0
    while (depth < before.length && key.charCodeAt(depth) === before.charCodeAt(depth)) depth += 1
    for (; depth < key.length; depth += 1) {
      const parent = path[depth]
      const node = size
      size += 1
      label[node] = key.charCodeAt(depth)
      if (lastChild[parent] < 0) firstChild[parent] = node
      else sibling[lastChild[parent]] = node
      lastChild[parent] = node
      path[depth + 1] = node
    }
    ends[id] = path[key.length]
    before = key
  }
  return { size, label, firstChild, sibling, ends }
}

function compare(left: string, right: string): number {
  if (left === right) return 0
  return left < right ? -1 : 1
}

function breadthFirst(trie: Trie): Int32Array {
  const order = new Int32Array(trie.size)
  let filled = 1
  for (let at = 0; at < filled; at += 1) {
    for (let child = trie.firstChild[order[at]]; child >= 0; child = trie.sibling[child]) {
      order[filled++] = child
    }
  }
  return order
}

/** Rows for the root, its children and whatever branches; the other states after them. */
function numberStates(
  trie: Trie,
  order: Int32Array,
  classCount: number,
): { stateOf: Int32Array; rowStates: number } {
  const hasRow = new Uint8Array(trie.size)
  hasRow[0] = 1
  for (let child = trie.firstChild[0]; child >= 0; child = trie.sibling[child]) hasRow[child] = 1
  const shallow = Math.min(order.length, Math.floor(SHALLOW_TRANSITIONS / classCount))
  for (let index = 0; index < shallow; index += 1) hasRow[order[index]] = 1
  let rowStates = 0
  const stateOf = new Int32Array(trie.size)
  order.forEach((node) => {
    const child = trie.firstChild[node]
    if (child >= 0 && trie.sibling[child] >= 0) hasRow[node] = 1
    if (hasRow[node] === 1) stateOf[node] = rowStates++
  })
  let state = rowStates
  order.forEach((node) => {
    if (hasRow[node] === 0) stateOf[node] = state++
  })
  return { stateOf, rowStates }
}

function listOutputs(
  patterns: readonly string[],
  trie: Trie,
  stateOf: Int32Array,
): { outputStart: Int32Array; outputs: Int32Array } {
  const outputStart = new Int32Array(trie.size + 1)
  for (let id = 0; id < patterns.length; id += 1) outputStart[stateOf[trie.ends[id]] + 1] += 1
  for (let state = 0; state < trie.size; state += 1) outputStart[state + 1] += outputStart[state]
  const filled = Int32Array.from(outputStart)
  const outputs = new Int32Array(patterns.length)
  for (let id = 0; id < patterns.length; id += 1) {
    outputs[filled[stateOf[trie.ends[id]]]++] = id
  }
  return { outputStart, outputs }
}

type Links = Pick<Tables, 'rows' | 'labels' | 'next' | 'fail' | 'outputLink'>

function linkStates(
  trie: Trie,
  order: Int32Array,
  stateOf: Int32Array,
  rowStates: number,
  classCount: number,
  outputStart: Int32Array,
): Links {
  const rows = new Int32Array(rowStates * classCount)
  const labels = new Uint16Array(trie.size - rowStates).fill(NO_CHILD)
  const next = new Int32Array(trie.size - rowStates)
  const fail = new Int32Array(trie.size - rowStates)
  const outputLink = new Int32Array(trie.size).fill(-1)
  const failOf = new Int32Array(trie.size)
  const step = (from: number, byteClass: number): number => {
    let state = from
    while (state >= rowStates && labels[state - rowStates] !== byteClass) {
      state = fail[state - rowStates]
    }
    const transition =
      state < rowStates ? rows[state * classCount + byteClass] : next[state - rowStates]
    return transition >> 1
  }
  const transitionTo = (state: number): number => {
    const ends = outputStart[state] < outputStart[state + 1] || outputLink[state] >= 0
    return state * 2 + (ends ? 1 : 0)
  }
  // Breadth first: whatever a failure link leads to lies nearer to the root and is finished.
  for (const node of order) {
    const state = stateOf[node]
    const failure = failOf[state]
    // Children get their failure and output links first, as transitions to them carry the end bit.
    for (let child = trie.firstChild[node]; child >= 0; child = trie.sibling[child]) {
      const target = stateOf[child]
      const link = node === 0 ? 0 : step(failure, trie.label[child])
      failOf[target] = link
      const hasOwn = outputStart[link] < outputStart[link + 1]
      outputLink[target] = hasOwn ? link : outputLink[link]
    }
    if (state < rowStates) {
      if (node !== 0) inheritRow(state, failure)
      for (let child = trie.firstChild[node]; child >= 0; child = trie.sibling[child]) {
        rows[state * classCount + trie.label[child]] = transitionTo(stateOf[child])
      }
      continue
    }
    fail[state - rowStates] = failure
    const child = trie.firstChild[node]
    if (child < 0) continue
    labels[state - rowStates] = trie.label[child]
    next[state - rowStates] = transitionTo(stateOf[child])
  }
  return { rows, labels, next, fail, outputLink }

  /** A state's row starts as what its failure state would do with each class. */
  function inheritRow(state: number, failure: number): void {
    const chain: number[] = []
    let from = failure
    for (; from >= rowStates; from = fail[from - rowStates]) chain.push(from)
    rows.copyWithin(state * classCount, from * classCount, (from + 1) * classCount)
    for (const link of chain.reverse()) {
      const label = labels[link - rowStates]
      if (label !== NO_CHILD) rows[state * classCount + label] = next[link - rowStates]
    }
  }
}
