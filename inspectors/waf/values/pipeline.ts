import type { Transformation } from '../transformations/transformation.ts'
import { triggerMaskOf } from './trigger-masks.ts'

/**
 * A list of transformations as a node of a tree: its parent is the list without the last. Lists that
 * begin alike share the nodes, and so the results, of their common part.
 */
export interface Pipeline {
  readonly index: number
  readonly parent: Pipeline | null
  /** Null: the empty list. */
  readonly transformation: Transformation | null
  readonly names: readonly string[]
  /** What is done, first to last. */
  readonly steps: readonly PipelineStep[]
}

export interface PipelineStep {
  readonly transformation: Transformation
  /** Bits of which a text must have one to be changed (trigger-masks.ts). */
  readonly triggerMask: number
}

/** The tree of all lists of a program. */
export class PipelineTree {
  readonly root: Pipeline = {
    index: 0,
    parent: null,
    transformation: null,
    names: [],
    steps: [],
  }
  readonly #nodes = new Map<string, Pipeline>()
  #size = 1

  /** The node of a list of transformations. */
  node(transformations: readonly Transformation[]): Pipeline {
    let node = this.root
    for (const transformation of transformations) {
      const key = `${node.index}:${transformation.name}`
      let next = this.#nodes.get(key)
      if (next === undefined) {
        const names = [...node.names, transformation.name]
        next = {
          index: this.#size,
          parent: node,
          transformation,
          names,
          steps: [...node.steps, { transformation, triggerMask: triggerMaskOf(transformation) }],
        }
        this.#size += 1
        this.#nodes.set(key, next)
      }
      node = next
    }
    return node
  }

  get size(): number {
    return this.#size
  }
}

/** The node and those above it, the empty list first: what `multiMatch` looks at. */
export function pathTo(pipeline: Pipeline): Pipeline[] {
  const path: Pipeline[] = []
  for (let node: Pipeline | null = pipeline; node !== null; node = node.parent) path.push(node)
  return path.reverse()
}

/** A value after all transformations, nothing kept. */
export function transformThrough(value: string, pipeline: Pipeline): string {
  const { parent, transformation } = pipeline
  if (parent === null || transformation === null) return value
  return transformation.apply(transformThrough(value, parent))
}
