import type { ResultDocument } from '../schema/index.js';

/** Something about a whole document that must be said before its figures are read. */
export interface Banner {
  readonly kind: 'simulated' | 'synthetic' | 'fake' | 'fixture' | 'imported' | 'partial' | 'failed';
  readonly title: string;
  readonly text: string;
}

function isTrue(value: unknown): boolean {
  return value === true;
}

/** The banners of a document, gravest first. */
export function bannersOf(document: ResultDocument): Banner[] {
  const { metadata, status } = document;
  const banners: Banner[] = [];
  if (isTrue(metadata.fixture)) {
    banners.push({
      kind: 'fixture',
      title: 'Example data',
      text: 'These figures were made up to test the tool; no device was measured.',
    });
  }
  if (isTrue(metadata.device_info.simulated)) {
    banners.push({
      kind: 'simulated',
      title: 'Simulated device',
      text: 'Times and power come from a simulator. They are no figures of a device and say nothing about its speed.',
    });
  }
  if (isTrue(metadata.environment?.fake_telemetry)) {
    banners.push({
      kind: 'fake',
      title: 'Invented sensors',
      text: 'Power, temperature and clocks were read from a test folder and not from this machine.',
    });
  }
  if (isTrue(metadata.device_info.software)) {
    banners.push({
      kind: 'simulated',
      title: 'Software rendering',
      text: 'The graphics device is emulated by the processor; its speed is not that of a GPU.',
    });
  }
  if (metadata.model.weights === 'synthetic') {
    banners.push({
      kind: 'synthetic',
      title: 'Synthetic weights',
      text: 'The weights are random numbers in the true shapes: right for speed, memory and power, meaningless for text.',
    });
  }
  const imported = metadata.imported as { from?: unknown } | undefined;
  if (typeof imported?.from === 'string') {
    banners.push({
      kind: 'imported',
      title: `Imported from ${imported.from}`,
      text: 'Another tool measured this, by its own definitions; the warnings list what was lost or means something else.',
    });
  }
  if (status === 'partial') {
    banners.push({
      kind: 'partial',
      title: 'Partial run',
      text: 'The run was interrupted or iterations failed; what is shown was measured and is valid.',
    });
  }
  if (status === 'failed') {
    banners.push({
      kind: 'failed',
      title: 'Failed run',
      text: 'The measurement did not finish; the faults below say why.',
    });
  }
  return banners;
}
