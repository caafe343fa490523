/**
 * The turn of a request that has not been made yet.
 *
 * It is not a connection: who makes a request may first need another one, of the same server, and if those who wait held all
 * connections none could be sent.
 *
 * @internal
 */

/** Who gives turns. Each ends once: with its request, or without. */
export interface TurnGiver<Request> {
  submit(request: Request, turn: Turn<Request> | undefined): void
  leave(turn: Turn<Request>): void
}

export class Turn<Request> {
  private readonly giver: TurnGiver<Request>
  private hasCome = false
  private isOver = false
  private waiter: (() => void) | undefined

  constructor(giver: TurnGiver<Request>) {
    this.giver = giver
  }

  get isWaiting(): boolean {
    return !this.hasCome
  }

  /** Calls back when the turn has come. */
  wait(waiter: () => void): void {
    this.waiter = waiter
  }

  /** The giver calls this, perhaps inside undici's parser, where no foreign code may run. */
  come(): void {
    this.hasCome = true
    if (this.waiter !== undefined) queueMicrotask(this.waiter)
  }

  /** Sends the request. */
  use(request: Request): void {
    const turn = this.isOver ? undefined : this
    this.isOver = true
    this.giver.submit(request, turn)
  }

  /** There will be no request, if there was none. */
  end(): void {
    if (this.isOver) return
    this.isOver = true
    this.giver.leave(this)
  }
}
