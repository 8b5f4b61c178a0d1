/** What a person should know of an order; the data of `alert.raised`. */
export interface OrderAlert {
  readonly alert:
    | 'overfill_quarantined'
    | 'execution_noisy'
    | 'fill_corrected'
    | 'fill_busted'
    | 'liquidation_fill';
  readonly severity: 'INFO' | 'MEDIUM' | 'HIGH' | 'CRITICAL';
  readonly subject: string;
  readonly message: string;
}
