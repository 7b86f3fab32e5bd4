import { RuleFault } from './problem.ts'

/** Longest name of a file that a rule may name. */
export const MAX_DATA_FILE_NAME = 255

/**
 * Name of a file with data for a rule: relative to the folder of the rule's own file, and within it.
 *
 * @throws RuleFault `bad-argument`
 */
export function dataFileName(text: string): string {
  const name = text.trim()
  if (name === '' || name.length > MAX_DATA_FILE_NAME || /[\p{Cc}\\]/u.test(name))
    throw new RuleFault('bad-argument', `"${name}" is not the name of a file`)
  if (name.startsWith('/') || name.split('/').includes('..'))
    throw new RuleFault('bad-argument', `"${name}" does not lie in the folder of the rules`, {
      suggestion: 'put the file beside the rules and name it without its folder',
    })
  return name
}
