/**
 * Runs a local cloud as a process of its own, for tests that kill it: `cloud-child.ts <options as JSON>`. Prints the
 * endpoint when it serves.
 */
import { type StartCloudOptions, startCloud } from '../../sandbox/cloud/cloud.ts';

const cloud = await startCloud(JSON.parse(process.argv[2] ?? '{}') as StartCloudOptions);
console.log(cloud.endpoint);
