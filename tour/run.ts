import { killProcesses } from '../local/processes.ts'
import { acts } from './acts/all.ts'
import { tour } from './tour.ts'

const EXIT_INTERRUPTED = 130

// A terminal that is gone, or `| head`, does not keep the tour from its end.
process.stdout.on('error', () => {})
// All that it has started is thrown away in any case, and so need not end in order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    killProcesses()
    process.exit(EXIT_INTERRUPTED)
  })
}
process.exit(await tour(acts, process.argv.slice(2), process.stdout))
