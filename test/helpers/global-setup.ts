/** Refuses to run the suite on another Node than the pinned one: type stripping and node:sqlite differ between lines. */
export default function setup(): void {
  const major = Number(process.versions.node.split('.')[0]);
  if (major !== 24) {
    throw new Error(
      `The tests ran on Node ${process.versions.node}; Evenkeel needs Node 24. Run them with \`npm test\`, which uses the pinned one.`,
    );
  }
}
