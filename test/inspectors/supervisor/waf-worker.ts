import { createInspector } from '#inspectors/worker/create-inspector.ts'
import { runWorker } from '#inspectors/worker/run-worker.ts'

/** A worker with the engines of the product, and the name of its process where tests find it. */
runWorker(createInspector)
