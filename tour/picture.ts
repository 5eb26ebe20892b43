import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { debianTool } from '../local/debian.ts'
import { startProcess } from '../local/processes.ts'
import { createThrowAwayFolder } from '../local/throw-away.ts'

/** The beginning of the report: the verdict, the tiers and the first act. */
const SIZE = { width: 1080, height: 1160 }
const PICTURE_MS_MAX = 60_000

/** Has headless Chromium take a picture of a page, as PNG. Throws with what it has said when there is none. */
export async function takePicture(page: string, file: string): Promise<void> {
  const { path, env } = await debianTool('chromium')
  const browser = startProcess({
    command: path,
    args: [
      '--headless=new',
      // It shows a page of our own, and the sandbox cannot be had by root.
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      `--user-data-dir=${join(createThrowAwayFolder(), 'profile')}`,
      `--window-size=${SIZE.width},${SIZE.height}`,
      `--screenshot=${file}`,
      pathToFileURL(page).href,
    ],
    env: { ...process.env, ...env },
  })
  try {
    await browser.line(/bytes written to file/, { timeoutMs: PICTURE_MS_MAX })
  } finally {
    await browser.stop({ timeoutMs: 5000 })
  }
}
