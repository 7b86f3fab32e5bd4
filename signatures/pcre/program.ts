import type { Ast, Conditional, Look, Node, Repeat } from './ast.ts'
import { extentOf } from './extent.ts'

/**
 * Code for `interpreter.ts`: one Int32Array, operands behind their operation.
 *
 * | operation | operands | does |
 * |---|---|---|
 * | byte, fold | byte | consumes it; `fold`: a letter in either case |
 * | set | set | consumes a byte of the set |
 * | split | first, second | tries first, then second |
 * | jump | to | |
 * | save, restore | register | keeps the offset; goes back to it |
 * | close | group, register | the group is from the kept offset to here |
 * | assert | assertion | |
 * | back | group, fold | consumes what the group matched |
 * | mark | register | keeps the height of the backtrack stack |
 * | cut | register | forgets the choices made since the mark |
 * | refuse | register | forgets them and fails |
 * | behind | bytes | goes back so many bytes |
 * | run | set, min, max, mode | repeats one byte |
 * | count | counter, offset | starts a loop |
 * | loop | counter, offset, min, max, mode, enter, exit | decides on another round |
 * | enter | counter, offset | counts a round |
 * | unless | group, to | jumps when the group took no part |
 */
export const Op = {
  match: 0,
  byte: 1,
  fold: 2,
  set: 3,
  split: 4,
  jump: 5,
  save: 6,
  restore: 7,
  close: 8,
  assert: 9,
  back: 10,
  mark: 11,
  cut: 12,
  refuse: 13,
  behind: 14,
  run: 15,
  count: 16,
  loop: 17,
  enter: 18,
  unless: 19,
} as const

export const GREEDY = 0
export const LAZY = 1
export const POSSESSIVE = 2

/** Stands for "no upper bound" in code. */
export const UNBOUNDED = 0x7fffffff

export const ASSERTIONS = [
  'textStart',
  'textEnd',
  'textEndOrNewline',
  'lineStart',
  'lineEnd',
  'wordBoundary',
  'notWordBoundary',
] as const

export interface Program {
  readonly code: Int32Array
  /** Eight words per set. */
  readonly sets: Uint32Array
  /** Two per group (the whole match is group 0), then what loops and lookarounds keep. */
  readonly registers: number
  readonly groups: number
}

/** @param ast a pattern whose lookbehinds have been checked by `checkLookbehinds` */
export function assemble(ast: Ast): Program {
  const assembler = new Assembler((ast.groupCount + 1) * 2)
  assembler.node(ast.root)
  assembler.emit(Op.match)
  return {
    code: Int32Array.from(assembler.code),
    sets: Uint32Array.from(assembler.sets),
    registers: assembler.registers,
    groups: ast.groupCount + 1,
  }
}

class Assembler {
  readonly code: number[] = []
  readonly sets: number[] = []
  registers: number

  constructor(registers: number) {
    this.registers = registers
  }

  emit(...words: readonly number[]): void {
    this.code.push(...words)
  }

  node(node: Node): void {
    switch (node.kind) {
      case 'byte':
        return this.emit(node.fold ? Op.fold : Op.byte, node.byte)
      case 'set':
        return this.emit(Op.set, this.#set(node.set))
      case 'sequence':
        for (const item of node.items) this.node(item)
        return
      case 'alternation':
        return this.#alternatives(node.items, (item) => this.node(item))
      case 'repeat':
        return this.#repeat(node)
      case 'group': {
        const register = this.#register()
        this.emit(Op.save, register)
        this.node(node.item)
        return this.emit(Op.close, node.index, register)
      }
      case 'atomic': {
        const mark = this.#register()
        this.emit(Op.mark, mark)
        this.node(node.item)
        return this.emit(Op.cut, mark)
      }
      case 'look':
        return this.#look(node)
      case 'conditional':
        return this.#conditional(node)
      case 'backreference':
        return this.emit(Op.back, node.group, node.fold ? 1 : 0)
      case 'assertion':
        return this.emit(Op.assert, ASSERTIONS.indexOf(node.assertion))
    }
  }

  #register(): number {
    this.registers += 1
    return this.registers - 1
  }

  #set(set: Uint32Array): number {
    const index = this.sets.length
    this.sets.push(...set)
    return index
  }

  /** Leaves room for an address and returns its place. */
  #hole(): number {
    this.code.push(0)
    return this.code.length - 1
  }

  #fill(hole: number): void {
    this.code[hole] = this.code.length
  }

  #alternatives(items: readonly Node[], write: (item: Node) => void): void {
    const exits: number[] = []
    items.forEach((item, index) => {
      if (index === items.length - 1) return write(item)
      this.emit(Op.split, this.code.length + 3)
      const next = this.#hole()
      write(item)
      this.emit(Op.jump)
      exits.push(this.#hole())
      this.#fill(next)
    })
    for (const exit of exits) this.#fill(exit)
  }

  #repeat(node: Repeat): void {
    const { item } = node
    const max = node.max === Infinity ? UNBOUNDED : node.max
    const mode = node.mode === 'greedy' ? GREEDY : node.mode === 'lazy' ? LAZY : POSSESSIVE
    if (item.kind === 'set' || item.kind === 'byte') {
      return this.emit(Op.run, this.#set(setOf(item)), node.min, max, mode)
    }
    const mark = mode === POSSESSIVE ? this.#register() : -1
    if (mark >= 0) this.emit(Op.mark, mark)
    const counter = this.#register()
    const offset = this.#register()
    this.emit(Op.count, counter, offset)
    const head = this.code.length
    this.emit(Op.loop, counter, offset, node.min, max, mode === LAZY ? LAZY : GREEDY)
    const enter = this.#hole()
    const exit = this.#hole()
    this.#fill(enter)
    this.emit(Op.enter, counter, offset)
    this.node(item)
    this.emit(Op.jump, head)
    this.#fill(exit)
    if (mark >= 0) this.emit(Op.cut, mark)
  }

  #look(node: Look): void {
    const mark = this.#register()
    this.emit(Op.mark, mark)
    if (node.negative) {
      this.emit(Op.split, this.code.length + 3)
      const go = this.#hole()
      this.#lookBody(node)
      this.emit(Op.refuse, mark)
      return this.#fill(go)
    }
    const offset = this.#register()
    this.emit(Op.save, offset)
    this.#lookBody(node)
    this.emit(Op.cut, mark, Op.restore, offset)
  }

  #lookBody(node: Look): void {
    if (node.direction === 'ahead') return this.node(node.item)
    const items = node.item.kind === 'alternation' ? node.item.items : [node.item]
    this.#alternatives(items, (item) => {
      this.emit(Op.behind, extentOf(item).min)
      this.node(item)
    })
  }

  #conditional(node: Conditional): void {
    const { condition } = node
    if (typeof condition === 'number') {
      this.emit(Op.unless, condition)
      const otherwise = this.#hole()
      this.node(node.yes)
      this.emit(Op.jump)
      const end = this.#hole()
      this.#fill(otherwise)
      this.node(node.no)
      return this.#fill(end)
    }
    const mark = this.#register()
    const offset = this.#register()
    this.emit(Op.mark, mark, Op.save, offset, Op.split, this.code.length + 7)
    const failed = this.#hole()
    this.#lookBody(condition)
    this.emit(Op.cut, mark, Op.restore, offset)
    this.node(condition.negative ? node.no : node.yes)
    this.emit(Op.jump)
    const end = this.#hole()
    this.#fill(failed)
    this.node(condition.negative ? node.yes : node.no)
    this.#fill(end)
  }
}

function setOf(node: Node & { kind: 'set' | 'byte' }): Uint32Array {
  if (node.kind === 'set') return node.set
  const set = new Uint32Array(8)
  set[node.byte >> 5] |= 1 << (node.byte & 31)
  if (node.fold) set[(node.byte ^ 0x20) >> 5] |= 1 << (node.byte & 31)
  return set
}
