/** What the metrics mean, for a reader who meets them for the first time. */
export const TERMS: readonly (readonly [string, string])[] = [
  [
    'Cold start',
    'From starting a fresh process to its first token: start, loading the addon, opening the device, reading and preparing the weights, and the first prompt.',
  ],
  [
    'First token',
    'In a process that is warm: from submitting the whole prompt to knowing the first token. No loading, no tokenisation.',
  ],
  [
    'Subsequent token',
    'Mean time of each token after the first. The gaps behind it are in the chart of each token.',
  ],
  [
    'Throughput',
    'Tokens of all sequences ÷ time from the prompt to the last token. “After first” leaves the first token out on both sides.',
  ],
  [
    'Memory',
    'Resident memory of the process plus device memory that is not counted in it. 1 MB is 10⁶ bytes.',
  ],
  [
    'Power and energy',
    'Energy over the iteration ÷ its length; energy per token is net of the idle power where that was taken. Peak power is the highest value at the sensor’s own rate.',
  ],
  [
    'Spread',
    '± is the sample standard deviation over the iterations. Every iteration is a process of its own unless the workload says otherwise; the dots are single iterations.',
  ],
  [
    'Ratios',
    'Made of medians, as in the compare command. A ratio of watts says nothing about energy: a slower device at the same power needs more of it per token.',
  ],
];
