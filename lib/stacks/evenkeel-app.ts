/** The CDK app: configuration of one stage, bundled functions, the stage's stack, the checks of cdk-nag. */
import { readFileSync } from 'node:fs';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { loadConfig } from '../../config/load.ts';
import { type Bundle, bundleFunctions, type FunctionName } from './bundle.ts';
import { EvenkeelStack } from './evenkeel-stack.ts';
import { checkTarget } from './target.ts';

export interface EvenkeelAppOptions {
  /** Context of cdk.json; the CDK's command line passes it by itself. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly outdir?: string;
  /** Folder of the configuration files, where it is not `config/`. */
  readonly configDir?: string;
  /** Bundled already. */
  readonly bundles?: EvenkeelApp['bundles'] | undefined;
  /** Account of the credentials, as far as it is known. */
  readonly credentialsAccount?: string | undefined;
  /** False leaves out the CDK's check of the template against the schemas of CloudFormation, four seconds of work. */
  readonly templateChecks?: boolean;
}

export interface EvenkeelApp {
  readonly app: App;
  readonly stack: EvenkeelStack;
  readonly bundles: Readonly<Record<FunctionName, Bundle>>;
}

/**
 * The app of the stage that the context names (`stage`), the sandbox without one: never live by default.
 *
 * @throws ConfigError, BundleTooLargeError, StreamerServiceError
 */
export function createApp(options: EvenkeelAppOptions = {}): EvenkeelApp {
  const { context = {}, outdir, configDir, credentialsAccount, templateChecks = true } = options;
  const app = new App({
    analyticsReporting: false,
    context: { ...context },
    builtinCloudFormationValidation: templateChecks,
    ...(outdir && { outdir }),
  });
  const stage: unknown = app.node.tryGetContext('stage');
  // No environment on top: what is deployed depends on the files alone.
  const config = loadConfig({
    stage: stage === undefined ? 'sandbox' : String(stage),
    env: {},
    dir: configDir,
  });
  checkTarget(config, `The configuration of stage ${config.stage}`, credentialsAccount);
  const bundles = options.bundles ?? bundleFunctions();
  const stack = new EvenkeelStack(app, { config, bundles, programVersion: programVersion() });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  return { app, stack, bundles };
}

function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
