export { zh } from '../shared/zh';
