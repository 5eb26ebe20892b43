// Loads every module of the service once, at the image's build, so that the compile cache is full at its first start.
import { chownSync, globSync, mkdirSync } from 'node:fs'

const FOLDER = 'node_modules/.cache/compile'
const USER = 10_001

mkdirSync(FOLDER, { recursive: true })
chownSync(FOLDER, USER, USER)
// The number of the user who is to read the cache is in its name.
process.setgid(USER)
process.setuid(USER)
// The entry point itself enables the cache.
process.argv.push('--print-config')
await import('./src/main.ts')
for (const file of globSync('src/**/*.ts')) await import(`./${file}`)
