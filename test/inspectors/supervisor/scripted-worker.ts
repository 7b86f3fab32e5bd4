import { runWorker } from '#inspectors/worker/run-worker.ts'
import { scriptedHop, testAlert } from '../chain/scripted-inspector.ts'

/**
 * A worker whose one inspector does what the request's target says: `/attack` is blocked, `/hang` never
 * returns, `/throw` throws. Its rules are the names in `rules`: `broken` does not load, `crash` ends the
 * process while it loads.
 */
runWorker(({ entry, rulePaths }) => {
  if (rulePaths.includes('/rules/broken')) {
    throw Object.assign(new Error('rules do not load'), {
      diagnostics: [
        {
          file: '/rules/broken',
          line: 3,
          column: 7,
          code: 'TEST',
          message: 'unknown operator @foo',
        },
      ],
    })
  }
  if (rulePaths.includes('/rules/crash')) process.exit(7)
  const { inspector } = scriptedHop(
    {
      requestHead: ({ request }) => {
        if (request.target === '/hang') for (;;);
        if (request.target === '/throw') throw new Error('as asked')
        return request.target === '/attack'
          ? { kind: 'block', status: 403, alerts: [testAlert(1)] }
          : { kind: 'pass' }
      },
    },
    { mode: entry.mode },
  )
  const warnings = rulePaths.includes('/rules/odd')
    ? [{ file: '/rules/odd', line: 9, column: 1, code: 'TEST', message: 'never matches' }]
    : []
  return { inspector, warnings }
})
