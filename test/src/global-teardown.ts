import { stopRedis } from './global-setup.ts'

export default stopRedis
