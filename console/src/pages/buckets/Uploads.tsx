import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import ProgressBar from '@cloudscape-design/components/progress-bar'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useCallback, useEffect, useRef, useState } from 'react'
import { ApiError } from '../../api/http.ts'
import { upload, type Upload } from '../../api/upload.ts'
import { bytes } from '../../ui/format.ts'

interface Row {
  id: number
  name: string
  size: number
  sent: number
  state: 'waiting' | 'sending' | 'done' | 'failed'
  error: string
}

export interface UploadList {
  rows: Row[]
  add: (files: File[]) => void
  cancel: (id: number) => void
  clear: () => void
}

/** Files on their way into a folder, one after the other. Leaving the folder ends them. */
export function useUploads(bucket: string, prefix: string, onDone: () => void): UploadList {
  const [rows, setRows] = useState<Row[]>([])
  const queue = useRef<{ id: number; file: File }[]>([])
  const running = useRef<{ id: number; upload: Upload }>(undefined)
  const count = useRef(0)
  const gone = useRef(false)
  const change = useCallback((id: number, part: Partial<Row>) => {
    setRows((all) => all.map((row) => (row.id === id ? { ...row, ...part } : row)))
  }, [])

  const next = useCallback(async () => {
    for (let job = queue.current.shift(); job && !gone.current; job = queue.current.shift()) {
      const { id, file } = job
      change(id, { state: 'sending' })
      try {
        const started = upload(bucket, prefix + file.name, file, (sent) => change(id, { sent }))
        running.current = { id, upload: started }
        await started.done
        change(id, { state: 'done', sent: file.size })
        onDone()
      } catch (reason) {
        change(id, { state: 'failed', error: ApiError.from(reason).message })
      }
      running.current = undefined
    }
  }, [bucket, prefix, onDone, change])

  const add = useCallback(
    (files: File[]) => {
      const jobs = files.map((file) => ({ id: ++count.current, file }))
      const added = jobs.map(({ id, file }): Row => ({ id, name: file.name, size: file.size, sent: 0, state: 'waiting', error: '' }))
      setRows((all) => [...all, ...added])
      queue.current.push(...jobs)
      if (!running.current) void next()
    },
    [next],
  )
  const cancel = useCallback(
    (id: number) => {
      if (running.current?.id === id) running.current.upload.cancel()
      else {
        queue.current = queue.current.filter((job) => job.id !== id)
        change(id, { state: 'failed', error: 'The upload was cancelled.' })
      }
    },
    [change],
  )
  const clear = useCallback(() => setRows((all) => all.filter(({ state }) => state === 'waiting' || state === 'sending')), [])

  useEffect(() => {
    gone.current = false
    return () => {
      gone.current = true
      running.current?.upload.cancel()
    }
  }, [])
  return { rows, add, cancel, clear }
}

/** The files on their way, each with its progress. */
export function Uploads({ uploads: { rows, cancel, clear } }: { uploads: UploadList }) {
  if (rows.length === 0) return null
  const open = rows.filter(({ state }) => state === 'waiting' || state === 'sending').length
  return (
    <Container
      header={
        <Header variant="h3" actions={<Button disabled={open === rows.length} onClick={clear}>Clear finished</Button>}>
          {open > 0 ? `Uploading ${open} of ${rows.length}` : 'Uploads'}
        </Header>
      }
    >
      <SpaceBetween size="s">
        {rows.map((row) => (
          <ProgressBar
            key={row.id}
            label={row.name}
            value={row.size === 0 ? (row.state === 'done' ? 100 : 0) : (100 * row.sent) / row.size}
            status={row.state === 'failed' ? 'error' : row.state === 'done' ? 'success' : 'in-progress'}
            additionalInfo={`${bytes(row.sent)} of ${bytes(row.size)}`}
            resultText={row.state === 'failed' ? row.error : 'Uploaded'}
            {...(row.state === 'waiting' || row.state === 'sending'
              ? { description: <Button variant="inline-link" ariaLabel={`Cancel ${row.name}`} onClick={() => cancel(row.id)}>Cancel</Button> }
              : {})}
          />
        ))}
      </SpaceBetween>
    </Container>
  )
}
