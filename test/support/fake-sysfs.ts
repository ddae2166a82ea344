import {
  closeSync,
  constants,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Files of a device tree: path below the root ("sys/…", "proc/…") to text. */
export type Tree = Record<string, string>;

function folder(path: string, files: Record<string, string | number>): Tree {
  return Object.fromEntries(
    Object.entries(files).map(([name, value]) => [`${path}/${name}`, String(value)]),
  );
}

function zones(list: [type: string, temp: number][]): Tree {
  return Object.assign(
    {},
    ...list.map(([type, temp], i) => folder(`sys/class/thermal/thermal_zone${i}`, { type, temp })),
  );
}

function cooling(list: [type: string, state: number, deepest: number][]): Tree {
  return Object.assign(
    {},
    ...list.map(([type, state, deepest], i) =>
      folder(`sys/class/thermal/cooling_device${i}`, {
        type,
        cur_state: state,
        max_state: deepest,
      }),
    ),
  );
}

interface Policy {
  first: number;
  cpus: string;
  driver: string;
  governor: string;
  khz: number;
  limitKhz?: number;
}

function policies(list: Policy[]): Tree {
  return Object.assign(
    {},
    ...list.map(({ first, cpus, driver, governor, khz, limitKhz }) =>
      folder(`sys/devices/system/cpu/cpufreq/policy${first}`, {
        related_cpus: cpus,
        scaling_driver: driver,
        scaling_governor: governor,
        scaling_cur_freq: limitKhz ?? khz,
        scaling_max_freq: limitKhz ?? khz,
        cpuinfo_max_freq: khz,
      }),
    ),
  );
}

function supply(name: string, files: Record<string, string | number>): Tree {
  return folder(`sys/class/power_supply/${name}`, files);
}

/** What every Linux shows, of a quiet machine. */
function proc(cpus: number): Tree {
  const lines = Array.from({ length: cpus }, (_, i) => `cpu${i} 100 2 30 9000 5 0 3 0 0 0`);
  const pressure = 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1000\n';
  return {
    'proc/stat': `cpu  1000 20 300 90000 50 0 30 0 0 0\n${lines.join('\n')}\nintr 1`,
    'proc/meminfo':
      'MemTotal: 16000000 kB\nMemAvailable: 12000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB',
    'proc/vmstat': 'pswpin 0\npswpout 0\npgmajfault 33',
    'proc/pressure/cpu': pressure,
    'proc/pressure/memory': pressure,
    'proc/pressure/io': pressure,
    'proc/loadavg': '0.05 0.03 0.01 1/300 1234',
    'proc/sys/kernel/randomize_va_space': '2',
    'proc/cpuinfo': 'processor\t: 0\nFeatures\t: fp asimd asimddp i8mm',
  };
}

const soc = (machine: string, id: number) =>
  folder('sys/devices/soc0', { machine, family: 'Snapdragon', soc_id: id, revision: '2.0' });

/**
 * Six systems after public facts. `watts` is what the document's average power must be (constant
 * power; null: none may be given), `warnings` the codes that the tree itself must cause.
 */
export const SYSTEMS = {
  androidPhone: {
    watts: 5.0,
    temperatures: { 'nsphvx-0': 52.3, battery: 31.2, 'sys-therm-0': 39 },
    warnings: ['throttling'],
    tree: {
      ...proc(8),
      ...zones([
        ['cpuss-0', 45100],
        ['cpu-1-0-0', 61200],
        ['gpuss-0', 48200],
        ['nsphvx-0', 52300],
        ['nsphmx-1', -273000],
        ['ddr', 44000],
        ['battery', 312],
        ['sys-therm-0', 39],
      ]),
      ...cooling([
        ['thermal-cpufreq-7', 3, 12],
        ['cdsp_sw', 0, 4],
        ['panel0-backlight', 100, 255],
      ]),
      ...policies([
        { first: 0, cpus: '0 1', driver: 'qcom-cpufreq-hw', governor: 'walt', khz: 2265600 },
        { first: 2, cpus: '2 3 4 5 6', driver: 'qcom-cpufreq-hw', governor: 'walt', khz: 3148800 },
        {
          first: 7,
          cpus: '7',
          driver: 'qcom-cpufreq-hw',
          governor: 'walt',
          khz: 3302400,
          limitKhz: 2438400,
        },
      ]),
      // Positive while discharging, as several vendors' gauges have it.
      ...supply('battery', {
        type: 'Battery',
        status: 'Discharging',
        present: 1,
        current_now: 1250000,
        voltage_now: 4000000,
        capacity: 81,
      }),
      ...supply('usb', { type: 'USB', online: 0 }),
      ...folder('sys/class/kgsl/kgsl-3d0', {
        gpubusy: '370000 1000000',
        gpuclk: 680000000,
        max_gpuclk: 903000000,
        thermal_pwrlevel: 0,
        num_pwrlevels: 12,
      }),
      ...soc('SM8650', 557),
    },
  },
  pixelPhone: {
    // Its rails' counters stand still in a tree of constant files, so no power may be given.
    watts: null,
    temperatures: { TPU: 44 },
    warnings: ['stale-power'],
    tree: {
      ...proc(8),
      ...zones([
        ['BIG', 55000],
        ['TPU', 44000],
      ]),
      ...folder('sys/bus/iio/devices/iio:device0', {
        name: 's2mpg12-odpm',
        enabled_rails: 'CH0[S1M_VDD_MIF]:Memory',
        energy_value: 'CH0[S1M_VDD_MIF], 1000000\nCH1[S2M_VDD_CPUCL2], 2000000',
      }),
      ...folder('sys/bus/iio/devices/iio:device1', {
        name: 's2mpg13-odpm',
        enabled_rails: 'CH0[S2S_VDD_G3D]:GPU',
        energy_value: 'CH0[S2S_VDD_G3D], 700000\nCH1[S4S_VDD_TPU], 300000',
      }),
      ...policies([
        { first: 0, cpus: '0 1 2 3', driver: 'exynos', governor: 'sched_pixel', khz: 1704000 },
      ]),
    },
  },
  snapdragonLaptop: {
    watts: 12.5,
    temperatures: { 'nsp0-thermal': 49 },
    warnings: [],
    tree: {
      ...proc(12),
      ...zones([
        ['cpu-0-0-top-thermal', 52000],
        ['nsp0-thermal', 49000],
        ['gpuss-3-thermal', 47000],
      ]),
      ...policies([
        { first: 0, cpus: '0 1 2 3', driver: 'scmi', governor: 'schedutil', khz: 3417600 },
        { first: 4, cpus: '4 5 6 7', driver: 'scmi', governor: 'schedutil', khz: 3417600 },
      ]),
      ...supply('qcom-battmgr-bat', {
        type: 'Battery',
        status: 'Discharging',
        present: 1,
        power_now: -12500000,
        voltage_now: 15400000,
        capacity: 88,
      }),
      ...supply('qcom-battmgr-ac', { type: 'Mains', online: 0 }),
      // The battery once more, as hwmon shows every power supply.
      ...folder('sys/class/hwmon/hwmon0', { name: 'qcom_battmgr_bat', power1_input: 12500000 }),
      ...folder('sys/class/devfreq/3d00000.gpu', { cur_freq: 1250000000, max_freq: 1250000000 }),
    },
  },
  dragonwingBoard: {
    watts: 7.5,
    temperatures: { 'cdsp-0': 47 },
    warnings: [],
    tree: {
      ...proc(8),
      ...zones([
        ['cpu0-thermal', 51000],
        ['cdsp-0', 47000],
        ['xo-therm', 38000],
      ]),
      ...policies([
        {
          first: 0,
          cpus: '0 1 2 3',
          driver: 'qcom-cpufreq-hw',
          governor: 'performance',
          khz: 1958400,
        },
      ]),
      ...folder('sys/class/hwmon/hwmon0', {
        name: 'ina226',
        update_interval: 10,
        power1_input: 7500000,
        power1_label: 'VDD_IN',
      }),
      ...folder('sys/class/hwmon/hwmon1', {
        name: 'ina3221',
        in1_label: 'VDD_CPU',
        in1_input: 800,
        curr1_input: 2500,
        in2_label: 'VDD_NSP',
        in2_input: 750,
        curr2_input: 1200,
      }),
      ...soc('QCS6490', 497),
    },
  },
  x86Laptop: {
    watts: null,
    temperatures: { x86_pkg_temp: 64 },
    warnings: ['stale-power'],
    tree: {
      ...proc(8),
      ...zones([['x86_pkg_temp', 64000]]),
      ...policies([
        { first: 0, cpus: '0', driver: 'intel_pstate', governor: 'powersave', khz: 4700000 },
      ]),
      ...folder('sys/class/powercap/intel-rapl:0', {
        name: 'package-0',
        energy_uj: 1000000,
        max_energy_range_uj: 262143328850,
      }),
      ...folder('sys/class/powercap/intel-rapl:0:0', {
        name: 'core',
        energy_uj: 500000,
        max_energy_range_uj: 262143328850,
      }),
      ...supply('BAT0', { type: 'Battery', status: 'Discharging', power_now: 9000000 }),
      ...supply('AC', { type: 'Mains', online: 0 }),
      'sys/devices/system/cpu/intel_pstate/no_turbo': '0',
    },
  },
  bareVm: {
    watts: null,
    temperatures: {},
    warnings: [],
    tree: { ...proc(2), 'proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu avx2 hypervisor' },
  },
} satisfies Record<
  string,
  { watts: number | null; temperatures: Record<string, number>; warnings: string[]; tree: Tree }
>;

export class FakeSysfs {
  readonly root = mkdtempSync(join(tmpdir(), 'npb-sysfs-'));
  private timers: NodeJS.Timeout[] = [];

  constructor(tree: Tree) {
    for (const [path, text] of Object.entries(tree)) this.write(path, text);
  }

  /** Written in place and cut afterwards, so that no reader ever finds an empty file. */
  write(path: string, text: string): void {
    const name = join(this.root, path);
    mkdirSync(dirname(name), { recursive: true });
    const file = openSync(name, constants.O_RDWR | constants.O_CREAT);
    const length = writeSync(file, `${text}\n`, 0);
    ftruncateSync(file, length);
    closeSync(file);
  }

  /** Lets an energy counter (µJ) run at a constant power until dispose(). */
  runCounter(path: string, watts: number, everyMs = 5): void {
    const begin = process.hrtime.bigint();
    const step = () => {
      const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
      this.write(path, String(Math.round(1e6 + watts * seconds * 1e6)));
    };
    this.timers.push(setInterval(step, everyMs));
  }

  dispose(): void {
    for (const timer of this.timers) clearInterval(timer);
    rmSync(this.root, { recursive: true, force: true });
  }
}
