/** What the CDK's command line runs. The stage is `-c stage=paper`; without it, `sandbox`. */
import { ConfigError } from '../config/config-error.ts';
import { BundleTooLargeError, kib } from '../lib/stacks/bundle.ts';
import { createApp } from '../lib/stacks/evenkeel-app.ts';
import { StreamerServiceError } from '../lib/stacks/streamer-service.ts';

try {
  const { app, bundles } = createApp({ credentialsAccount: process.env.CDK_DEFAULT_ACCOUNT });
  for (const [name, { bytes }] of Object.entries(bundles)) console.error(`bundled ${name}: ${kib(bytes)}`);
  app.synth();
} catch (error) {
  // These say themselves what to do; a stack trace would only hide it.
  const expected = [ConfigError, BundleTooLargeError, StreamerServiceError].some(
    (type) => error instanceof type,
  );
  if (!expected) throw error;
  console.error((error as Error).message);
  process.exitCode = 1;
}
