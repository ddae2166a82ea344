/** What became of one of the other tool's figures. */
export type LedgerKind =
  /** Taken over; the meaning is ours. */
  | 'same'
  /** Taken over into our field although it is defined differently; `note` says how. */
  | 'different'
  /** Worked out from the other tool's figures. */
  | 'computed'
  /** Has no place in our document. */
  | 'lost'
  /** A field of ours that the other tool does not have. */
  | 'missing';

export interface LedgerEntry {
  readonly kind: LedgerKind;
  /** The other tool's field; absent for `missing`. */
  readonly theirs?: string;
  /** Our field: a dotted path in an iteration or in the document. */
  readonly ours?: string;
  readonly note: string;
}

/** What a translator knows of a document beyond what the file says. */
export interface ImportOverrides {
  readonly model?: string;
  readonly quantization?: string;
  readonly device?: string;
  readonly deviceName?: string;
}
