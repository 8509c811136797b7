import type { Command, Output } from '../transport/command.js'
import type { Secret } from '../transport/secret.js'
import type { Endpoint } from '../transport/types.js'
import type { Input, Schema, Settings } from './infer.js'

/** Several questions that one program answers together: one run for the union of all items asked. */
export interface Batch {
  readonly name: string
  command(items: readonly string[]): Command
}

/** One question asked of a machine: a read-only command and a pure parser of its output. */
export type Probe<T = unknown> =
  | { readonly command: Command; parse(output: Output): T }
  | { readonly batch: Batch; readonly items: readonly string[]; parse(output: Output): T }

export type Probes = Readonly<Record<string, Probe>>
export type Facts<P extends Probes> = { readonly [K in keyof P]: P[K] extends Probe<infer T> ? T : never }

/** A difference between what the config wants and what a machine has. Data, never an exception. */
export interface Finding<Id extends string = string> {
  readonly id: Id
  /** What it is about, when a stage can have several of one id: a path, a volume, a peer. */
  readonly subject?: string
  /** Shown as `actual → desired`; two strings with line breaks are shown as a unified diff. */
  readonly desired: unknown
  readonly actual: unknown
  readonly note?: string
}

/** The stage cannot be judged yet, and why. Neither in order nor an error. */
export interface Waits {
  readonly waits: string
}

/** What a step loses. `--allow` must name it exactly as `node:device:what`. */
export interface Destroys {
  readonly what: string
  readonly device: string
  /** Default: the node on which the step runs. */
  readonly node?: string
}

export interface Progress {
  readonly done: boolean
  /** 0…1 where known. */
  readonly ratio?: number
  readonly text: string
  /** A reason to stop waiting at once: the awaited thing failed. */
  readonly failed?: string
}

/** One change, as data: it can be printed, counted, asserted on, refused, and only then run. */
export type Step =
  | {
      readonly kind: 'run'
      readonly title?: string
      readonly command: Command
      readonly destroys?: Destroys
      readonly interrupts?: string
    }
  | {
      readonly kind: 'write'
      readonly path: string
      readonly content: string | Secret
      readonly mode?: string
      readonly owner?: string
    }
  | { readonly kind: 'upload'; readonly from: string; readonly to: string; readonly mode?: string }
  | {
      readonly kind: 'wait'
      readonly title: string
      readonly until: Probe<Progress>
      readonly timeoutS: number
      /** Gives up when the text and ratio have not changed for this long. */
      readonly stallS?: number
      readonly everyS?: number
      /** A service kept open on the control machine while waiting, such as a server that is called back. */
      open?(): Promise<{ close(): Promise<void> }>
      /** What a person can do meanwhile. */
      readonly hint?: string
    }

/** `manual`: a difference that the tool reports and refuses to repair, with what a person should do. */
export type Fix<At, F extends Finding, S> =
  | ((at: At & { readonly finding: F }) => readonly S[])
  | { readonly manual: string }

export type Mode = 'create' | 'modify'

/** A node as the config names it. */
export interface NodeConfig {
  readonly name: string
  readonly ssh?: Partial<Endpoint>
}

export interface Cluster {
  readonly name: string
  /** In the config's order. */
  readonly nodes: readonly NodeConfig[]
  /** Directory of the config file; relative paths in options start here. */
  readonly configDir: string
  /** This cluster's directory on the control machine, 0700. */
  readonly stateDir: string
}

// biome-ignore lint/suspicious/noExplicitAny: a plugin of unknown options
export type AnyPlugin = Plugin<any, any>

export type SettingsOf<P> = P extends Plugin<string, infer S> ? Settings<S> : never
export type InputOf<P> = P extends Plugin<string, infer S> ? Input<S> : never

/** What every function of a plugin is given. `of(plugin)` reads the options of a plugin in `requires` or `reads`. */
export interface Context<S, R extends AnyPlugin = AnyPlugin> {
  readonly settings: S
  readonly cluster: Cluster
  readonly mode: Mode
  of<P extends R>(plugin: P): SettingsOf<P>
  /** What all plugins of this config need on the nodes together. */
  readonly packages: readonly PackageNeed[]
  /** What all plugins of this config offer under a name, in their order. */
  offered(name: string): readonly unknown[]
}

export interface NodeContext<S, R extends AnyPlugin = AnyPlugin> extends Context<S, R> {
  readonly node: string
  readonly peers: readonly string[]
}

export interface NodeTask<S, R extends AnyPlugin, P extends Probes, Id extends string> {
  readonly id: string
  readonly title: string
  /** One node after the other, for what must not happen on both at once. */
  readonly rolling?: boolean
  /** Runs before the stages of the named plugin instead of among its own: for what must be done before that one begins. */
  readonly before?: string
  /** Of a `rolling` task: whether the service is on this node now. Such a node comes after those where it is not. */
  isActive?(at: NodeContext<S, R> & { readonly facts: Facts<P> }): boolean
  probes(at: NodeContext<S, R>): P
  check(at: NodeContext<S, R> & { readonly facts: Facts<P> }): readonly Finding<Id>[] | Waits
  readonly fix: { readonly [K in Id]: Fix<NodeContext<S, R> & { readonly facts: Facts<P> }, Finding<Id>, Step> }
}

export interface ClusterTask<S, R extends AnyPlugin, P extends Probes, Id extends string> {
  readonly id: string
  readonly title: string
  /** Runs as soon as the nodes are there, before any other change on them: for what must stop the run before it begins. */
  readonly early?: boolean
  /** Runs before the stages of the named plugin instead of among its own: for what must be done before that one begins. */
  readonly before?: string
  probes(at: NodeContext<S, R>): P
  check(at: Context<S, R> & { readonly nodes: Readonly<Record<string, Facts<P>>> }): readonly Finding<Id>[] | Waits
  readonly fix: {
    readonly [K in Id]: Fix<
      Context<S, R> & { readonly nodes: Readonly<Record<string, Facts<P>>> },
      Finding<Id>,
      Step & { readonly on: string }
    >
  }
}

export interface ControlTask<S, R extends AnyPlugin, P extends Probes, Id extends string> {
  readonly id: string
  readonly title: string
  probes(at: Context<S, R>): P
  check(at: Context<S, R> & { readonly facts: Facts<P> }): readonly Finding<Id>[] | Waits
  readonly fix: { readonly [K in Id]: Fix<Context<S, R> & { readonly facts: Facts<P> }, Finding<Id>, Step> }
}

export type Scope = 'node' | 'control-per-node' | 'cluster' | 'control'

/** A task with its types folded away, as the engine sees it. */
export interface Task {
  readonly scope: Scope
  readonly id: string
  readonly title: string
  readonly rolling?: boolean
  readonly early?: boolean
  readonly before?: string
  // biome-ignore lint/suspicious/noExplicitAny: the builders hold the precise types
  isActive?(at: any): boolean
  // biome-ignore lint/suspicious/noExplicitAny: as above
  probes(at: any): Probes
  // biome-ignore lint/suspicious/noExplicitAny: as above
  check(at: any): readonly Finding[] | Waits
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly fix: Readonly<Record<string, Fix<any, any, any>>>
}

/** Builders: where a task's probes and steps run. */
export interface TaskBuilder<S, R extends AnyPlugin> {
  /** On every node, each on its own. */
  perNode<P extends Probes, Id extends string>(task: NodeTask<S, R, P, Id>): Task
  /** On the control machine, once for every node. */
  onControlPerNode<P extends Probes, Id extends string>(task: NodeTask<S, R, P, Id>): Task
  /** Sees every node at once; each step says on which node it runs. */
  perCluster<P extends Probes, Id extends string>(task: ClusterTask<S, R, P, Id>): Task
  /** On the control machine, once. */
  onControl<P extends Probes, Id extends string>(task: ControlTask<S, R, P, Id>): Task
}

/** A rule that no schema can say. `path` starts at the config's root. */
export interface Fault {
  readonly path: string
  readonly message: string
  readonly hint?: string
}

/** A package that nodes need, by its name in each package manager. A manager without a name does not need it. */
export interface PackageNeed {
  readonly apt?: string
  readonly dnf?: string
  readonly zypper?: string
}

export interface Program {
  readonly name: string
  /** Package per package manager. */
  readonly apt: string
  readonly dnf?: string
}

/** A subcommand of the command line, contributed by a plugin. */
export interface PluginCommand<S, R extends AnyPlugin> {
  /** commander's syntax: `vm <action> [name]`. */
  readonly usage: string
  readonly description: string
  readonly options?: readonly (readonly [flags: string, description: string])[]
  /** Returns the exit code. */
  run(at: Context<S, R> & CommandIo & { nodeContext(node: string): NodeContext<S, R> }): Promise<number>
}
export interface CommandIo {
  readonly args: readonly (string | undefined)[]
  readonly options: Readonly<Record<string, string | boolean | undefined>>
  /** Runs a command on the control machine. */
  exec(command: Command): Promise<Output>
  /** Runs a command on a node, as a stage would; fails with exit code 4 when the node does not answer. */
  on(node: string, command: Command): Promise<Output>
  /** stdout: the answer. */
  print(line: string): void
  /** stderr: what goes on. */
  say(line: string): void
}

export type HookName = 'before-run' | 'before-stage' | 'plan' | 'before-fix' | 'after-fix' | 'after-stage' | 'after-run'

export interface HookEvent {
  readonly cluster: Cluster
  readonly mode: Mode
  /** Options of a plugin, defaults filled in; undefined when it takes no part. */
  settings(plugin: string): unknown
  /** `plugin/task`; absent in run hooks. */
  readonly stage?: string
  readonly node?: string
  readonly findings?: readonly Finding[]
  readonly steps?: readonly Step[]
  readonly report?: unknown
  log(line: string): void
}
/** Hooks watch, or throw to stop the run. Only `plan` returns: the findings that remain after waiving known drift. */
export type Hooks = {
  readonly [N in Exclude<HookName, 'plan'>]?: (event: HookEvent) => void | Promise<void>
} & { readonly plan?: (event: HookEvent) => readonly Finding[] | undefined | Promise<readonly Finding[] | undefined> }

/** Keys from the plugin's options down: `['resources', 'r0', 'port']`. Empty: all options. */
export type OptionPath = readonly (string | number)[]

/** Something about a reconstructed option that a person must know. */
export type Remark = { readonly path: OptionPath } & (
  | {
      /**
       * `inferred`: chosen from signs, `why` says which. `unknown`: leaves no trace on the nodes. `other`: there, and not to be said in a config.
       * `undecided`: the nodes have it, it could not be read, and its default would change them: the config is refused until a person says it.
       */
      readonly kind: 'inferred' | 'unknown' | 'other' | 'undecided'
      readonly why: string
    }
  | {
      /** The nodes disagree. Both values are shown and none is chosen: the config is refused until a person does. */
      readonly kind: 'differs'
      readonly values: Readonly<Record<string, unknown>>
      readonly why?: string
    }
)

/** What a plugin makes of existing nodes. */
export interface Reconstructed<O> {
  /** As a person would write them; what equals its default is left out afterwards. Undefined: the nodes have nothing of it. */
  readonly options?: O
  /** Command or file that said it; holds for everything below that has none of its own. */
  readonly sources: readonly { readonly path: OptionPath; readonly from: string }[]
  readonly remarks: readonly Remark[]
  /** What is not said here since another plugin says it. Where that could not be written, `path` is undecided. */
  readonly leftTo?: readonly { readonly option: OptionPath; readonly path: OptionPath; readonly why: string }[]
}

/** The facts of all nodes, and the options of the plugins before, defaults filled in. */
export interface Existing<P extends Probes> {
  /** By their names (`uname -n`), in the order in which the person named them. */
  readonly nodes: Readonly<Record<string, Facts<P>>>
  /** Undefined when that plugin found nothing, or what it found makes no valid options. */
  of<Q extends AnyPlugin>(plugin: Q): SettingsOf<Q> | undefined
}

/** How a plugin writes its options from what nodes are. Made by `reconstruction()`. */
export interface Reconstruction<O> {
  /** Asked of every node, in one round trip with those of all plugins. They only read. */
  readonly probes: Probes
  // biome-ignore lint/suspicious/noExplicitAny: `reconstruction()` holds the precise types
  build(at: Existing<any>): Reconstructed<O>
  /** Options that no node can tell, with the reason; `resources.*.initialSync`, where `*` is any key: what the round trip cannot give back. */
  readonly untraced: Readonly<Record<string, string>>
}

export interface Plugin<N extends string, S extends Schema> {
  readonly name: N
  readonly schema: S
  readonly requires?: readonly AnyPlugin[]
  readonly reads?: readonly AnyPlugin[]
  /** Names of plugins that run before this one if they are there. Order only. */
  readonly after?: readonly string[]
  readonly before?: readonly string[]
  /** Modes in which its stages take part. Default: all. */
  readonly modes?: readonly Mode[]
  /** Programs that the control machine needs for these settings; `ha-provision doctor` checks and installs them. */
  programs?(at: Context<Settings<S>>): readonly Program[]
  /** Packages that its tasks need on the nodes. */
  packages?(at: Context<Settings<S>>): readonly PackageNeed[]
  /** Values that a plugin collects by a name that it defines, such as resources for a cluster manager. */
  offers?(at: Context<Settings<S>>): Readonly<Record<string, readonly unknown[]>>
  validate?(at: Context<Settings<S>>): readonly Fault[]
  /**
   * Values that no other cluster may share, read from options as they were written (not validated, may be undefined).
   * `path` starts at the plugin's options; `what` names the value for a person and hides a secret.
   */
  unique?(options: unknown): readonly { readonly path: string; readonly value: unknown; readonly what: string }[]
  /** How to reach a node, as far as this plugin knows; undefined while it cannot be reached yet. The config's `ssh` wins. */
  connect?(at: NodeContext<Settings<S>>): Promise<Partial<Endpoint> | undefined>
  /** Writes its options from existing nodes. Without it, `reconstruct` names the plugin as one that cannot. */
  readonly reconstruct?: Reconstruction<Input<S>>
  // biome-ignore lint/suspicious/noExplicitAny: the builders hold the precise types
  tasks(t: TaskBuilder<Settings<S>, any>): readonly Task[]
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly commands?: readonly PluginCommand<Settings<S>, any>[]
  readonly hooks?: Hooks
}

/** A plugin as its author writes it: the same, with `of()` limited to the plugins that it names. */
export interface PluginDefinition<
  N extends string,
  S extends Schema,
  R extends readonly AnyPlugin[],
  D extends readonly AnyPlugin[],
> extends Omit<
    Plugin<N, S>,
    'requires' | 'reads' | 'tasks' | 'validate' | 'programs' | 'packages' | 'offers' | 'connect' | 'commands'
  > {
  readonly requires?: R
  readonly reads?: D
  programs?(at: Context<Settings<S>, R[number] | D[number]>): readonly Program[]
  packages?(at: Context<Settings<S>, R[number] | D[number]>): readonly PackageNeed[]
  offers?(at: Context<Settings<S>, R[number] | D[number]>): Readonly<Record<string, readonly unknown[]>>
  validate?(at: Context<Settings<S>, R[number] | D[number]>): readonly Fault[]
  connect?(at: NodeContext<Settings<S>, R[number] | D[number]>): Promise<Partial<Endpoint> | undefined>
  tasks(t: TaskBuilder<Settings<S>, R[number] | D[number]>): readonly Task[]
  readonly commands?: readonly PluginCommand<Settings<S>, R[number] | D[number]>[]
}
