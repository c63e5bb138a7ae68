/** An account of a real server, through a console session of its own. */
export class Account {
  private constructor(
    readonly id: string,
    /** Who is signed in. */
    readonly arn: string,
    private readonly url: string,
    private readonly cookie: string,
    private readonly csrf: string,
  ) {}

  static async signIn(url: string, accessKeyId: string, secretAccessKey: string): Promise<Account> {
    const answer = await fetch(`${url}/craton/v1/console/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ accessKeyId, secretAccessKey }),
    })
    const { account, arn, csrfToken } = (await expectOk(answer)) as { account: string; arn: string; csrfToken: string }
    return new Account(account, arn, url, (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '', csrfToken)
  }

  async craton(path: string, body: object): Promise<unknown> {
    return this.call(undefined, path, 'POST', JSON.stringify(body), { 'content-type': 'application/json' })
  }

  async s3(method: string, path: string, body?: string | Uint8Array, headers: Record<string, string> = {}): Promise<void> {
    await this.call('s3', path, method, body, headers)
  }

  async iam(action: string, parameters: Record<string, string>): Promise<void> {
    const form = new URLSearchParams({ Action: action, Version: '2010-05-08', ...parameters }).toString()
    await this.call('iam', '/', 'POST', form, { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' })
  }

  async kms<T>(operation: string, input: object): Promise<T> {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${operation}` }
    return (await this.call('kms', '/', 'POST', JSON.stringify(input), headers)) as T
  }

  private async call(
    service: string | undefined,
    path: string,
    method: string,
    body: string | Uint8Array | undefined,
    headers: Record<string, string>,
  ): Promise<unknown> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { ...headers, cookie: this.cookie, 'x-craton-csrf': this.csrf, ...(service ? { 'x-craton-service': service } : {}) },
      ...(body === undefined ? {} : { body: body as BodyInit }),
    })
    return expectOk(answer)
  }
}

async function expectOk(answer: Response): Promise<unknown> {
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}: ${text}`)
  return text.startsWith('{') ? JSON.parse(text) : text
}
