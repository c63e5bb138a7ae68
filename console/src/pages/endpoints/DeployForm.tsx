import Alert from '@cloudscape-design/components/alert'
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group'
import Button from '@cloudscape-design/components/button'
import Container from '@cloudscape-design/components/container'
import Header from '@cloudscape-design/components/header'
import SpaceBetween from '@cloudscape-design/components/space-between'
import { useState } from 'react'
import { deployMarketplace, deploySageMaker } from '../../api/endpoints.ts'
import { acceptTerms, listModels, type Card } from '../../api/models.ts'
import { getStatus } from '../../api/status.ts'
import { useNotify } from '../../shell/Notifications.tsx'
import { follow, href, navigate, PageLink } from '../../shell/router.tsx'
import { ErrorAlert } from '../../ui/ErrorAlert.tsx'
import { FitPanel } from '../../ui/FitPanel.tsx'
import { Loading } from '../../ui/Loading.tsx'
import { useAction } from '../../ui/useAction.ts'
import { useLoad } from '../../ui/useLoad.ts'
import { AdvancedSettings, Settings, Terms } from './DeploySettings.tsx'
import { check, deploymentOf, initial, type Draft, type DraftErrors } from './draft.ts'
import { NotHere } from './NotHere.tsx'
import { endpointRole } from './role.ts'
import { endpointPath, PATH } from './text.ts'

/** Deploys a model of the catalogue under a name of its own; what it needs of the machine stands beside. */
export function DeployForm({ model }: { model: string }) {
  const models = useLoad(listModels)
  const status = useLoad(getStatus)
  if (models.loading || status.loading) return <Loading what="the model" />
  const card = models.value?.find((one) => one.name === model || one.jumpstartId === model)
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Endpoints"
        items={[
          { text: 'Endpoints', href: href(PATH) },
          { text: 'Deploy', href: '#' },
        ]}
        onFollow={follow}
      />
      <Header variant="h1" description="The model is loaded under the endpoint’s name, for as long as that is there.">
        Deploy {card?.title ?? model}
      </Header>
      <ErrorAlert error={models.error ?? status.error} title="Could not read the model" onRetry={models.reload} />
      {card && <Form card={card} region={status.value?.region ?? 'us-east-1'} onPulled={models.reload} />}
      {models.value && !card && (
        <Alert type="warning" header={`There is no model ${model}`}>
          Choose one in the <PageLink to="/models">model catalogue</PageLink>.
        </Alert>
      )}
    </SpaceBetween>
  )
}

interface FormProps {
  card: Card
  region: string
  /** Its download began, or ended. */
  onPulled: () => void
}

function Form({ card, region, onPulled }: FormProps) {
  const [draft, setDraft] = useState(() => initial(card))
  const [tried, setTried] = useState(false)
  const notify = useNotify()
  const mustAccept = card.licence.mustAccept && !card.licence.accepted
  const errors = check(draft, mustAccept)
  const deploy = useAction(async () => {
    const role = draft.ownRole ? draft.roleArn : await endpointRole()
    const asked = deploymentOf(draft, card, region, role)
    if (mustAccept && draft.target === 'sagemaker') await acceptTerms(card.name)
    if (draft.target === 'marketplace') await deployMarketplace(asked)
    else await deploySageMaker(asked)
    notify('success', `${draft.name} is being created.`)
    navigate(endpointPath(draft.name))
  })
  const parts = { draft, errors: tried ? errors : visible(errors, draft), onChange: setDraft }
  const go = () => {
    setTried(true)
    if (Object.keys(errors).length === 0) void deploy.run()
  }
  return (
    <div className="craton-beside">
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          go()
        }}
      >
        <SpaceBetween size="m">
          {card.state !== 'ready' && <NotHere card={card} onChange={onPulled} />}
          <Container header={<Header variant="h2">Endpoint</Header>}>
            <Settings card={card} {...parts} />
          </Container>
          <Container>
            <AdvancedSettings {...parts} />
          </Container>
          {mustAccept && (
            <Container header={<Header variant="h2">Terms</Header>}>
              <Terms card={card} {...parts} />
            </Container>
          )}
          <ErrorAlert error={deploy.error} title="The model was not deployed" onDismiss={deploy.clearError} />
          <SpaceBetween direction="horizontal" size="xs">
            <Button formAction="none" variant="link" onClick={() => navigate(PATH)}>
              Cancel
            </Button>
            <Button variant="primary" formAction="submit" loading={deploy.busy}>
              Deploy
            </Button>
          </SpaceBetween>
        </SpaceBetween>
      </form>
      <Container header={<Header variant="h2">Does it fit?</Header>}>
        <FitPanel name={card.name} longest={card.contextLength} instances={errors.instances ? 1 : Number(draft.instances)} />
      </Container>
    </div>
  )
}

/** What is told before the first attempt: what was typed wrong, not what is not yet typed. */
function visible(errors: DraftErrors, { roleArn }: Draft): DraftErrors {
  const { acceptEula: _later, ...typed } = errors
  if (roleArn === '') delete typed.roleArn
  return typed
}
