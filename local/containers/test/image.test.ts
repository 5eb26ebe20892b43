import assert from 'node:assert/strict'
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { BASE, figure, IMAGE, inspect, megabytes, root, run } from '../docker.ts'
import { compressedBytes, filesOf, unpackedBytes } from '../image-files.ts'

const APP_BYTES_MAX = 40e6
const packages = productionPackages()

/** Every file of the image is of one of these kinds. */
const expected: readonly RegExp[] = [
  /^usr\/local\/bin\/node$/,
  /^usr\/local\/LICENSE$/,
  /^(usr\/)?lib(64)?\/([\w-]+-linux-gnu\/)?(ld-linux-[\w-]+\.so\.\d|lib(atomic|c|dl|gcc_s|m|pthread|stdc\+\+)\.so\.\d)$/,
  /^usr\/share\/doc\/[\w+.-]+\/copyright$/,
  /^var\/lib\/dpkg\/status\.d\/(libatomic1|libc6|libgcc-s1|libstdc\+\+6)$/,
  /^etc\/(passwd|group|nsswitch\.conf)$/,
  /^app\/(package|openapi)\.json$/,
  /^app\/health-check\.cjs$/,
  /^app\/migrations\/\d{6}_\w+\.sql$/,
  /^app\/src\/[\w/.-]+\.(ts|sql|lua)$/,
  /^app\/node_modules\/\.cache\/compile\/v26[\w.-]+-10001\/[\da-f]+$/,
]
/** Made by Docker for every container. */
const dockersOwn = /^(\.dockerenv|dev\/.*|etc\/(hostname|hosts|mtab|resolv\.conf))$/
const ofAPackage =
  /^app\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?:.*\/)?(?:[^/]+\.(?:[cm]?js|json|html|css|png|svg)|[^/]*licen[cs]e[^/]*)$/i

test('the image holds what is run, and nothing else', async () => {
  const unexpected = (await filesOf(IMAGE)).filter(({ path }) => {
    const [, owner = ''] = ofAPackage.exec(path) ?? []
    return !dockersOwn.test(path) && !packages.has(owner) && !expected.some((pattern) => pattern.test(path))
  })
  assert.deepEqual(
    unexpected.map(({ path }) => path),
    [],
  )
})

test('no file of the image gives rights to whoever runs it, or can be written by the service', async () => {
  const files = (await filesOf(IMAGE)).filter(({ path }) => !dockersOwn.test(path))
  const wrong = files.filter(({ mode }) => /s/i.test(mode) || mode[8] === 'w')
  assert.deepEqual(wrong, [])
})

test('it runs as user 10001, by exec, with a health check that needs no shell, and says what it is', async () => {
  const config = JSON.parse(await inspect(IMAGE, 'json .Config'))
  const { version } = JSON.parse(readFileSync(join(root, 'app/package.json'), 'utf8'))
  assert.equal(config.User, '10001:10001')
  assert.deepEqual(config.Entrypoint, ['/usr/local/bin/node', 'src/main.ts'])
  assert.equal(config.Healthcheck.Test[0], 'CMD')
  assert.ok(config.Healthcheck.Interval >= 10e9, 'every 10 s at most')
  const labels = config.Labels
  assert.equal(labels['org.opencontainers.image.version'], version)
  assert.match(labels['org.opencontainers.image.revision'], /^[\da-f]{40}$/)
  for (const name of ['title', 'description', 'licenses', 'base.name']) {
    assert.ok(labels[`org.opencontainers.image.${name}`], name)
  }
})

test('it is at most 40 MB larger than what Node.js needs, and smaller than the image it is made from', async () => {
  const files = (await filesOf(IMAGE)).filter(({ path }) => !dockersOwn.test(path))
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const app = files.filter(({ path }) => path.startsWith('app/')).reduce((sum, { bytes }) => sum + bytes, 0)
  const base = await unpackedBytes(BASE)
  const layers = JSON.parse(await inspect(IMAGE, 'json .RootFS.Layers')).length
  figure('image, unpacked', `${megabytes(total)}, of it the service ${megabytes(app)}`)
  figure('image, compressed', megabytes(await compressedBytes(IMAGE)))
  figure('image, layers', String(layers))
  figure(`${BASE}, unpacked`, megabytes(base))
  assert.ok(app <= APP_BYTES_MAX, `${app} bytes of our own`)
  assert.ok(total <= base, `${total} bytes, and ${base} in ${BASE}`)
})

test('a change of source does not install the dependencies again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'multi-aws-build-'))
  const changed = `${IMAGE}:changed`
  try {
    cpSync(join(root, 'app'), folder, {
      recursive: true,
      filter: (path) => !path.includes('node_modules') && !path.endsWith('.env'),
    })
    appendFileSync(join(folder, 'src/main.ts'), '\n// A change.\n')
    const { code, output } = await run('docker', ['build', '--progress', 'plain', '--tag', changed, folder])
    assert.equal(code, 0, output)
    const [, step] = /^#(\d+) \[packages [^\]]+\] RUN npm ci/m.exec(output) ?? []
    assert.match(output, new RegExp(`^#${step} CACHED$`, 'm'))
    const [before, after] = await Promise.all(
      [IMAGE, changed].map(async (image) => JSON.parse(await inspect(image, 'json .RootFS.Layers'))),
    )
    const same = before.filter((layer: string) => after.includes(layer)).length
    assert.equal(before.length - same, 2, 'the sources and their compile cache are new, the rest is shared')
  } finally {
    await run('docker', ['image', 'rm', '--force', changed])
    rmSync(folder, { recursive: true })
  }
})

function productionPackages(): ReadonlySet<string> {
  const lock = JSON.parse(readFileSync(join(root, 'app/package-lock.json'), 'utf8'))
  const found = Object.entries(lock.packages as Record<string, { dev?: boolean }>).flatMap(
    ([path, { dev }]) =>
      dev === true ? [] : [path.replace(/^node_modules\//, '').split('/node_modules/')[0]],
  )
  return new Set(found.filter((name): name is string => name !== undefined && name !== ''))
}
