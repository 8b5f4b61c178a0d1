// Loaded before every program, in plain JavaScript so that an old Node can read it: type stripping needs Node 24.
import './compile-cache.mjs';

const major = Number(process.versions.node.split('.')[0]);
if (major !== 24) {
  process.stderr.write(
    `This is Node ${process.versions.node}; Evenkeel needs Node 24.\n` +
      'Run `npm ci`, which brings Node 24 along, then start with `npm run ...`, which uses it.\n' +
      'If npm was told to ignore install scripts, run `npm rebuild node` once.\n',
  );
  process.exit(2);
}
