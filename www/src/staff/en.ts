export { en } from '../shared/en';
