/** What a deployment rests on before there is a stage. */
export interface DeploymentProbe {
  /** The region that calls go to. */
  region(): Promise<string>;
  /** Whether `cdk bootstrap` has been run there; `unknown` where the caller may not see it. */
  bootstrapped(awsAccount: string): Promise<'yes' | 'no' | 'unknown'>;
}
