/** What package-lock.json says of where packages come from, what they may run, and under which licence. */

export interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  /** Comes inside of its parent, whose checksum is its own. */
  readonly inBundle?: boolean;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

export interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/** Licences that ask for a notice and no more. */
export const allowedLicences: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'MIT-0',
]);

/** @param allowScripts of package.json: every package with an install script, and whether it may run */
export function lockProblems(lock: Lock, allowScripts: Readonly<Record<string, boolean>>): readonly string[] {
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
  const scripted = new Set(
    packages.filter(([, each]) => each.hasInstallScript).map(([path]) => nameOf(path)),
  );
  return [
    ...packages.flatMap(([path, each]) => [...originOf(path, each), ...licenceOf(path, each)]),
    ...[...scripted]
      .filter((name) => allowScripts[name] === undefined)
      .map(
        (name) => `${name} has an install script: say in allowScripts of package.json whether it may run.`,
      ),
    ...Object.keys(allowScripts)
      .filter((name) => !scripted.has(name))
      .map((name) => `allowScripts of package.json names ${name}, which has no install script.`),
  ];
}

function originOf(path: string, each: LockedPackage): string[] {
  const { version = '', integrity, resolved, inBundle, link, dev, devOptional, optional } = each;
  if (inBundle) return [];
  if (link) return [`${path} is a link to a folder: what is in it has no checksum.`];
  // Tools for other platforms are in the lock file by version alone, and npm checks what it fetches against the registry.
  const elsewhere = (dev || devOptional) && optional;
  return [
    ...(integrity?.startsWith('sha512-') || (integrity === undefined && elsewhere)
      ? []
      : [`${path} has no SHA-512 checksum.`]),
    // Left out, it is the configured registry's, of that version.
    ...((resolved === undefined ? /^\d+\.\d+\.\d+/.test(version) : resolved.startsWith('https://'))
      ? []
      : [`${path} does not come from a registry by https: ${resolved ?? version}.`]),
  ];
}

/** Of what is deployed: tools that stay on a developer's machine bind nobody. */
function licenceOf(path: string, { license, dev, devOptional }: LockedPackage): string[] {
  if (dev || devOptional || isFree(license ?? '')) return [];
  return [`${path} has the licence "${license ?? 'none'}", which is not in the list of bin/audit/lock.ts.`];
}

/** An SPDX expression: of what OR offers one must be free, of what AND joins all. */
function isFree(expression: string): boolean {
  const bare = expression.replaceAll(/[()]/g, '').trim();
  // Deeper ones are for a person to read.
  if (/\bAND\b/.test(bare) && /\bOR\b/.test(bare)) return false;
  if (/\bOR\b/.test(bare)) return bare.split(/\bOR\b/).some((each) => allowedLicences.has(each.trim()));
  return bare.split(/\bAND\b/).every((each) => allowedLicences.has(each.trim()));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
