import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BufferView } from '#inspectors/ids/evaluate.ts'
import { isStillLacking, lackingOf } from '#inspectors/ids/lacking.ts'
import { Subject } from '#inspectors/ids/match/subject.ts'
import { compileProgram } from '#inspectors/ids/program/compile.ts'
import type { CompiledRule } from '#inspectors/ids/program/compiled-rule.ts'
import { RuleVariables } from '#inspectors/ids/program/variables.ts'
import { parseRules } from '#signatures/suricata/parse-rules.ts'

function compiled(options: string): CompiledRule {
  const { rules } = parseRules(`alert http any any -> any any (${options} sid:1;)`, 'test')
  const { program } = compileProgram([...rules], new RuleVariables({}), {
    packets: false,
    isUnfiltered: false,
  })
  return program.rules[0]
}

class Body implements BufferView {
  readonly #subject = new Subject('', 0, false, false)

  add(text: string, isLast = false): void {
    this.#subject.grow(this.#subject.text + text, isLast, isLast)
  }

  subject(): Subject {
    return this.#subject
  }

  instances(): readonly Subject[] {
    return [this.#subject]
  }

  numbers(): null {
    return null
  }
}

describe('what a waiting rule lacks', () => {
  it('is a content that its body did not hold so far, found when a cut goes through it', () => {
    const rule = compiled('file.data; content:"first"; content:"SECOND"; nocase; distance:0;')
    const body = new Body()
    body.add('the first of ')
    const lacking = lackingOf(rule, body)
    assert.ok(lacking !== null)
    assert.equal(lacking.content.pattern, 'SECOND')
    body.add('two, no sec')
    assert.equal(isStillLacking(lacking, body), true)
    body.add('ond')
    assert.equal(isStillLacking(lacking, body), false)
    assert.equal(lackingOf(rule, body), null)
  })

  it('is nothing when the body is over, or when what holds it back is of another kind', () => {
    const body = new Body()
    body.add('first, second')
    assert.equal(lackingOf(compiled('file.data; content:"first"; content:!"third";'), body), null)
    const rule = compiled('file.data; content:"third";')
    const lacking = lackingOf(rule, body)
    assert.ok(lacking !== null)
    body.add('', true)
    assert.equal(isStillLacking(lacking, body), false)
    assert.equal(lackingOf(rule, body), null)
  })
})
