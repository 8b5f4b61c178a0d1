/**
 * The AWS SDK's schemas with plain keys: `{ [_xN]: … }` becomes `{ "xmlName": … }` where the file says
 * `const _xN = "xmlName";`. A computed key may have an effect for all that esbuild knows, so it keeps the schema of every
 * operation of a service; with plain keys it leaves out those that nobody uses: 55 KiB of each function that speaks to S3.
 */
export function plainKeys(source: string): string {
  const values = new Map(
    [...source.matchAll(/^const (_\w+) = ("[^"\n]*");$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  return source.replaceAll(/\[(_\w+)\]:/g, (key, name: string) => {
    const value = values.get(name);
    // `__proto__` as a plain key would mean something else.
    return value === undefined || value === '"__proto__"' ? key : `${value}:`;
  });
}
